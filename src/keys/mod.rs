//! One key, one signature.
