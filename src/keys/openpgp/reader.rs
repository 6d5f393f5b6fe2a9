//! Bytes taken one field after the other; what is not there is an error, never a cut.

use super::OpenPgpError;
use crate::keys::asn1;

/// What is left to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.0.len()
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], OpenPgpError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(OpenPgpError::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    pub(super) fn byte(&mut self) -> Result<u8, OpenPgpError> {
        let (first, rest) = self.0.split_first().ok_or(OpenPgpError::Short)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(super) fn two(&mut self) -> Result<usize, OpenPgpError> {
        Ok(usize::from(self.byte()?) << 8 | usize::from(self.byte()?))
    }

    pub(super) fn four(&mut self) -> Result<u32, OpenPgpError> {
        let high = self.bytes(4)?;
        Ok(high.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
    }

    /// A length of four bytes.
    pub(super) fn long(&mut self) -> Result<usize, OpenPgpError> {
        usize::try_from(self.four()?).map_err(|_too_large| OpenPgpError::Short)
    }

    /// A number (RFC 9580, 3.2). It must have exactly as many bits as it says.
    pub(super) fn number(&mut self) -> Result<&'a [u8], OpenPgpError> {
        let bits = self.two()?;
        let number = self.bytes(bits.div_ceil(8))?;
        if asn1::bits(number) == bits {
            Ok(number)
        } else {
            Err(OpenPgpError::Number)
        }
    }

    /// Nothing may be left.
    pub(super) fn end(&self) -> Result<(), OpenPgpError> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(OpenPgpError::Trailing)
        }
    }
}
