//! Why something is no OpenPGP key or signature that can be used.

use crate::keys::KeyError;

/// Why something is no OpenPGP key or signature that can be used.
#[derive(Clone, Debug, thiserror::Error)]
#[expect(
    missing_docs,
    reason = "the message of each variant says what its fields are"
)]
pub enum OpenPgpError {
    /// A file without an armored block.
    #[error(
        "there is no armored OpenPGP key, which begins with a line `-----BEGIN PGP PUBLIC KEY BLOCK-----`"
    )]
    NoBlock,
    /// A key in its binary form.
    #[error(
        "this is an OpenPGP key that is not armored; `gpg --export --armor ID` writes the form that is needed here"
    )]
    NotArmored,
    /// A private key where a public one belongs.
    #[error(
        "this is a private OpenPGP key; what is needed here is the public one, which `gpg --export --armor ID` writes"
    )]
    Private,
    /// An armored signature or message.
    #[error("expected a block `PGP PUBLIC KEY BLOCK`, found another")]
    OtherBlock,
    /// The block is not closed.
    #[error("the armored key has no end line")]
    Unclosed,
    /// What stands between the lines is not base64.
    #[error("the armored key is not base64")]
    NotBase64,
    /// The checksum of the armor is wrong.
    #[error("the checksum of the armored key is wrong")]
    Checksum,
    /// A file beyond the limit.
    #[error("an OpenPGP key has at most {limit} bytes, found {found}")]
    TooLarge { limit: usize, found: usize },
    /// Several keys in one file.
    #[error("there are several OpenPGP keys; give one file for each")]
    SeveralKeys,
    /// Bytes that end too early.
    #[error("it ends in the middle of something")]
    Short,
    /// Bytes where nothing may be.
    #[error("there are bytes where nothing may follow")]
    Trailing,
    /// Not a packet with a length of its own.
    #[error("it is not made of OpenPGP packets that say how long they are")]
    Packet,
    /// A packet that does not belong into a key.
    #[error("a packet of type {tag} does not belong where it stands in a key")]
    PacketOrder { tag: u8 },
    /// Packets beyond the limit.
    #[error("an OpenPGP key has at most {limit} packets")]
    TooManyPackets { limit: usize },
    /// Subkeys beyond the limit.
    #[error("an OpenPGP key has at most {limit} subkeys")]
    TooManySubkeys { limit: usize },
    /// A number that is not written as it must be.
    #[error("a number in it is not written as it must be")]
    Number,
    /// A key of another version.
    #[error("OpenPGP keys of version {version} are not supported, version 4 is")]
    KeyVersion { version: u8 },
    /// A key of another algorithm.
    #[error("OpenPGP keys of {name} are not supported; RSA, DSA and Ed25519 are")]
    Algorithm { name: &'static str },
    /// The numbers are no key that can be used.
    #[error("{source}")]
    Material { source: Box<KeyError> },
    /// A DSA key of another size.
    #[error("a DSA key needs 2048 or 3072 bits and a group of 224 or 256, found {p} and {q}")]
    DsaSize { p: usize, q: usize },
    /// Numbers that make no DSA key.
    #[error("the value is not a public key of DSA")]
    DsaRejected,
    /// A subkey that stands under a name that is not its id.
    #[error("the subkey {} has another id in its own object", name.escape_debug())]
    SubkeyName { name: String },
    /// What the key says about itself is not signed by it.
    #[error(
        "a signature of the key about itself is wrong, or of a kind that shows nothing: the key was changed, damaged, or made by something very old"
    )]
    SelfSignature,
    /// The key says nothing about itself.
    #[error(
        "no signature of the key itself says that it is a key: there is no user id that it has signed"
    )]
    NoSelfSignature,
    /// The key was revoked.
    #[error("the key was revoked")]
    Revoked,
    /// A signature of another version.
    #[error("OpenPGP signatures of version {version} are not supported, version 4 is")]
    SignatureVersion { version: u8 },
    /// A signature over a hash that is broken.
    #[error("OpenPGP signatures over MD5, SHA-1 or RIPEMD-160 show nothing")]
    WeakHash,
    /// A signature over a hash that is not known.
    #[error(
        "OpenPGP signatures over the hash {id} are not supported; SHA-256, SHA-384 and SHA-512 are"
    )]
    UnknownHash { id: u8 },
    /// A subpacket that must be understood and is not.
    #[error(
        "the OpenPGP signature has a critical subpacket of type {kind}, which is not supported"
    )]
    Critical { kind: u8 },
    /// A subpacket of which there can only be one.
    #[error("the OpenPGP signature has a subpacket of type {kind} twice")]
    SaidTwice { kind: u8 },
}
