//! Every operation we speak, declared once.
