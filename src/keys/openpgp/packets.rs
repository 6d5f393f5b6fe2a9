//! Packets (RFC 9580, 4): a tag and so many bytes. Lengths that come in parts, or none at all, are
//! for data that nobody has yet, and refused.

use super::OpenPgpError;
use super::reader::Reader;

/// How many packets a key may have. One that thousands have certified has as many.
const MAX_PACKETS: usize = 10_000;

pub(super) const SIGNATURE: u8 = 2;
pub(super) const SECRET_KEY: u8 = 5;
pub(super) const PUBLIC_KEY: u8 = 6;
pub(super) const SECRET_SUBKEY: u8 = 7;
pub(super) const MARKER: u8 = 10;
pub(super) const TRUST: u8 = 12;
pub(super) const USER_ID: u8 = 13;
pub(super) const PUBLIC_SUBKEY: u8 = 14;
pub(super) const USER_ATTRIBUTE: u8 = 17;
pub(super) const PADDING: u8 = 21;

/// From which tag on what is not known may be skipped (RFC 9580, 4.3).
pub(super) const FIRST_UNCRITICAL: u8 = 40;

/// One packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    pub(super) tag: u8,
    pub(super) body: &'a [u8],
}

/// All packets in their order.
pub(super) fn packets(bytes: &[u8]) -> Result<Vec<Packet<'_>>, OpenPgpError> {
    let mut reader = Reader::new(bytes);
    let mut packets = Vec::new();
    while !reader.is_empty() {
        if packets.len() == MAX_PACKETS {
            return Err(OpenPgpError::TooManyPackets { limit: MAX_PACKETS });
        }
        packets.push(packet(&mut reader)?);
    }
    Ok(packets)
}

fn packet<'a>(reader: &mut Reader<'a>) -> Result<Packet<'a>, OpenPgpError> {
    let first = reader.byte()?;
    if first & 0x80 == 0 {
        return Err(OpenPgpError::Packet);
    }
    let (tag, length) = if first & 0x40 == 0 {
        let length = match first & 3 {
            0 => usize::from(reader.byte()?),
            1 => reader.two()?,
            2 => reader.long()?,
            _ => return Err(OpenPgpError::Packet),
        };
        (first >> 2 & 0x0F, length)
    } else {
        let length = length(reader, 223)?;
        (first & 0x3F, length)
    };
    let body = reader.bytes(length)?;
    Ok(Packet { tag, body })
}

/// A length of one, two or five bytes; `two_bytes` is the highest first byte of those of two.
pub(super) fn length(reader: &mut Reader<'_>, two_bytes: u8) -> Result<usize, OpenPgpError> {
    match reader.byte()? {
        first @ 0..192 => Ok(usize::from(first)),
        255 => reader.long(),
        first if first <= two_bytes => {
            Ok((usize::from(first) - 192) * 256 + usize::from(reader.byte()?) + 192)
        }
        _ => Err(OpenPgpError::Packet),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_length_are_read() {
        let long = [&[0xC2, 192, 8][..], &[7; 200]].concat();
        let five = [&[0x9A, 0, 0, 0, 2][..], &[1, 2]].concat();
        for (bytes, tag, length) in [
            (&[0x88, 1, 9][..], 2, 1),
            (&[0x99, 0, 1, 9], 6, 1),
            (&five, 6, 2),
            (&[0xCD, 2, 9, 9], 13, 2),
            (&[0xC2, 255, 0, 0, 0, 1, 9], 2, 1),
            (&long, 2, 200),
        ] {
            let found = packets(bytes).unwrap();
            assert_eq!((found[0].tag, found[0].body.len()), (tag, length));
        }
    }

    #[test]
    fn what_ends_too_early_or_has_no_length_is_refused() {
        for bytes in [
            &[0x00][..],
            &[0x99],
            &[0x99, 0, 2, 1],
            &[0x9B, 1, 2],
            &[0xC6, 224, 1],
            &[0xC6, 255, 0, 0],
        ] {
            assert!(packets(bytes).is_err(), "{bytes:?}");
        }
    }
}
