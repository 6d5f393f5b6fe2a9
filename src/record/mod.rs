//! The disk as it is.
