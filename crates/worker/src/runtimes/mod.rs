//! Managed runtimes: what `python3.12` means on this machine.
