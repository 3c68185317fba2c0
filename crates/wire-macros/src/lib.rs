//! The attribute that turns a plain trait into an AWS service declaration.
