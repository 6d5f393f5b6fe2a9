//! Cases through the library and the binary.
