//! Private keys under a password: PKCS#8 with PBES2 (RFC 8018).
//!
//! Read are PBKDF2 with HMAC-SHA-1, 256, 384 and 512, and scrypt, each with AES-CBC. What older
//! tools wrote (PBES1, DES, triple DES, RC2) is refused by name: such a file protects little, and
//! `openssl` rewrites it.

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, Algorithm, DecryptionContext, EncryptionContext,
    PaddedBlockDecryptingKey, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::{pbkdf2, rand};
use pkcs8::der::{Decode, Encode, ErrorKind, asn1::OctetStringRef};
use pkcs8::pkcs5::pbes2;
use pkcs8::{EncryptedPrivateKeyInfoRef, der};
use zeroize::Zeroizing;

use super::asn1;
use super::private::PrivateKeyError;

/// How often PBKDF2 with HMAC-SHA-256 is iterated for keys written here: what OWASP recommends.
pub const PBKDF2_ITERATIONS: u32 = 600_000;

/// How many iterations of PBKDF2 are gone through to open a key: some seconds' worth.
pub const MAX_PBKDF2_ITERATIONS: u32 = 10_000_000;

/// How much memory scrypt may ask for to open a key, in bytes: four times what OWASP recommends.
pub const MAX_SCRYPT_MEMORY: u64 = 512 << 20;

/// How many times over scrypt may work through its memory.
const MAX_SCRYPT_LANES: u16 = 16;

/// The `PrivateKeyInfo` inside an `EncryptedPrivateKeyInfo`.
pub(super) fn decrypt(der: &[u8], password: &[u8]) -> Result<Zeroizing<Vec<u8>>, PrivateKeyError> {
    // Asked first, because the parser below names only what it knows.
    let scheme = asn1::encryption_scheme(der).map_err(unreadable)?;
    if scheme != pbes2::PBES2_OID {
        return Err(unsupported(asn1::name_of(scheme)));
    }
    let info = EncryptedPrivateKeyInfoRef::from_der(der).map_err(unreadable)?;
    let parameters = info
        .encryption_algorithm
        .pbes2()
        .ok_or_else(|| unsupported(asn1::name_of(scheme)))?;
    let (algorithm, iv) = cipher(&parameters.encryption)?;
    let key = derive(&parameters.kdf, password, parameters.encryption.key_size())?;
    let key = UnboundCipherKey::new(algorithm, &key)
        .and_then(PaddedBlockDecryptingKey::cbc_pkcs7)
        .map_err(|_error| PrivateKeyError::WrongPassword)?;
    let mut buffer = Zeroizing::new(info.encrypted_data.as_bytes().to_vec());
    let context = DecryptionContext::Iv128(FixedLength::from(iv));
    let plain = key
        .decrypt(&mut buffer, context)
        .map_err(|_error| PrivateKeyError::WrongPassword)?;
    let plain = Zeroizing::new(plain.to_vec());
    // A wrong password leaves good padding behind once in 256 times, but not a structure.
    match asn1::private_key_info(&plain) {
        Ok(_) => Ok(plain),
        Err(_) => Err(PrivateKeyError::WrongPassword),
    }
}

fn unreadable(error: der::Error) -> PrivateKeyError {
    if let ErrorKind::OidUnknown { oid } = error.kind() {
        unsupported(asn1::name_of(oid))
    } else {
        PrivateKeyError::Der { source: error }
    }
}

fn unsupported(algorithm: String) -> PrivateKeyError {
    PrivateKeyError::UnsupportedEncryption { algorithm }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enum is not ours and grows; what is not read here is refused by name"
)]
fn cipher(
    scheme: &pbes2::EncryptionScheme,
) -> Result<(&'static Algorithm, [u8; 16]), PrivateKeyError> {
    match scheme {
        pbes2::EncryptionScheme::Aes128Cbc { iv } => Ok((&AES_128, *iv)),
        pbes2::EncryptionScheme::Aes192Cbc { iv } => Ok((&AES_192, *iv)),
        pbes2::EncryptionScheme::Aes256Cbc { iv } => Ok((&AES_256, *iv)),
        other => Err(unsupported(asn1::name_of(other.oid()))),
    }
}

/// The key that a password becomes.
fn derive(
    kdf: &pbes2::Kdf,
    password: &[u8],
    length: usize,
) -> Result<Zeroizing<Vec<u8>>, PrivateKeyError> {
    if kdf
        .key_length()
        .is_some_and(|stated| usize::from(stated) != length)
    {
        return Err(PrivateKeyError::KeyLength { expected: length });
    }
    let mut key = Zeroizing::new(vec![0; length]);
    match kdf {
        pbes2::Kdf::Pbkdf2(parameters) => derive_pbkdf2(parameters, password, &mut key)?,
        pbes2::Kdf::Scrypt(parameters) => derive_scrypt(parameters, password, &mut key)?,
        other => return Err(unsupported(asn1::name_of(other.oid()))),
    }
    Ok(key)
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enum is not ours and grows; what is not read here is refused by name"
)]
fn derive_pbkdf2(
    parameters: &pbes2::Pbkdf2Params,
    password: &[u8],
    key: &mut [u8],
) -> Result<(), PrivateKeyError> {
    let algorithm = match parameters.prf {
        pbes2::Pbkdf2Prf::HmacWithSha1 => pbkdf2::PBKDF2_HMAC_SHA1,
        pbes2::Pbkdf2Prf::HmacWithSha256 => pbkdf2::PBKDF2_HMAC_SHA256,
        pbes2::Pbkdf2Prf::HmacWithSha384 => pbkdf2::PBKDF2_HMAC_SHA384,
        pbes2::Pbkdf2Prf::HmacWithSha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        other => return Err(unsupported(asn1::name_of(other.oid()))),
    };
    let iterations = NonZeroU32::new(parameters.iteration_count)
        .filter(|count| count.get() <= MAX_PBKDF2_ITERATIONS)
        .ok_or(PrivateKeyError::Iterations {
            count: parameters.iteration_count,
        })?;
    pbkdf2::derive(
        algorithm,
        iterations,
        parameters.salt.as_bytes(),
        password,
        key,
    );
    Ok(())
}

fn derive_scrypt(
    parameters: &pbes2::ScryptParams,
    password: &[u8],
    key: &mut [u8],
) -> Result<(), PrivateKeyError> {
    let cost = parameters.cost_parameter;
    let memory = cost.saturating_mul(128 * u64::from(parameters.block_size));
    let refused = PrivateKeyError::Scrypt {
        cost,
        block_size: parameters.block_size,
        parallelization: parameters.parallelization,
    };
    if !cost.is_power_of_two()
        || memory > MAX_SCRYPT_MEMORY
        || parameters.parallelization > MAX_SCRYPT_LANES
    {
        return Err(refused);
    }
    let Ok(log_cost) = u8::try_from(cost.trailing_zeros()) else {
        return Err(refused);
    };
    let Ok(settings) = scrypt::Params::new(
        log_cost,
        parameters.block_size.into(),
        parameters.parallelization.into(),
    ) else {
        return Err(refused);
    };
    scrypt::scrypt(password, parameters.salt.as_bytes(), &settings, key).map_err(|_error| refused)
}

/// An `EncryptedPrivateKeyInfo` around a `PrivateKeyInfo`: PBKDF2 with HMAC-SHA-256 and
/// [`PBKDF2_ITERATIONS`], AES-256-CBC.
pub(super) fn encrypt(der: &[u8], password: &[u8]) -> Result<Vec<u8>, PrivateKeyError> {
    if password.is_empty() {
        return Err(PrivateKeyError::EmptyPassword);
    }
    let backend = |_error| PrivateKeyError::Backend;
    let mut salt = [0; 16];
    let mut iv = [0; 16];
    rand::fill(&mut salt).map_err(backend)?;
    rand::fill(&mut iv).map_err(backend)?;
    let kdf = pbes2::Pbkdf2Params::hmac_sha256(PBKDF2_ITERATIONS, &salt)
        .map_err(|_error| PrivateKeyError::Backend)?;
    let parameters = pbes2::Parameters {
        kdf: kdf.into(),
        encryption: pbes2::EncryptionScheme::Aes256Cbc { iv },
    };
    let key = derive(&parameters.kdf, password, AES_256_KEY_LENGTH)?;
    let key = UnboundCipherKey::new(&AES_256, &key)
        .and_then(PaddedBlockEncryptingKey::cbc_pkcs7)
        .map_err(backend)?;
    // Room for the padding, so that the plain text is not copied when it is added.
    let mut buffer = Zeroizing::new(Vec::with_capacity(der.len() + iv.len()));
    buffer.extend_from_slice(der);
    key.less_safe_encrypt(
        &mut *buffer,
        EncryptionContext::Iv128(FixedLength::from(iv)),
    )
    .map_err(backend)?;
    let data = OctetStringRef::new(&buffer).map_err(unreadable)?;
    EncryptedPrivateKeyInfoRef {
        encryption_algorithm: parameters.into(),
        encrypted_data: data,
    }
    .to_der()
    .map_err(unreadable)
}

const AES_256_KEY_LENGTH: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_cannot_ask_for_hours_of_pbkdf2() {
        for count in [0, MAX_PBKDF2_ITERATIONS + 1, u32::MAX] {
            let mut parameters = pbes2::Pbkdf2Params::hmac_sha256(1, b"salt").unwrap();
            parameters.iteration_count = count;
            let refused = derive_pbkdf2(&parameters, b"password", &mut [0; 32]);
            assert!(
                matches!(refused, Err(PrivateKeyError::Iterations { .. })),
                "{count}"
            );
        }
    }

    #[test]
    fn a_key_file_cannot_ask_for_all_memory_with_scrypt() {
        for (cost, block_size, parallelization) in [
            (1 << 20, 8, 1),
            (u64::MAX / 2 + 1, 1, 1),
            (1 << 10, u16::MAX, 1),
            (1 << 10, 8, u16::MAX),
            (1000, 8, 1),
            (0, 8, 1),
            (1 << 10, 0, 1),
            (1 << 10, 8, 0),
        ] {
            let parameters = pbes2::ScryptParams {
                salt: pbes2::Salt::new(b"salt").unwrap(),
                cost_parameter: cost,
                block_size,
                parallelization,
                key_length: None,
            };
            let refused = derive_scrypt(&parameters, b"password", &mut [0; 32]);
            assert!(
                matches!(refused, Err(PrivateKeyError::Scrypt { .. })),
                "{cost} {block_size} {parallelization}"
            );
        }
    }
}
