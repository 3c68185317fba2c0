//! AWS Signature Version 4: verify and sign.
