//! What is kept from others' eyes by a passphrase: age files with one scrypt recipient, as the program
//! `age -p` writes them, so that another program can open them. Whoever changes a byte of one is found
//! out. age is named nowhere but here. Described in `spec/backup.md`.

use age::secrecy::{ExposeSecret, SecretString};
use std::io::{self, Read, Write};
use std::iter;
use zeroize::Zeroizing;

/// What a passphrase costs to try, as a power of two: 2^17 rounds of scrypt with r = 8 take 128 MiB and
/// some tenths of a second.
const WORK: u8 = 17;
/// The most that a file may ask for: 2^20 rounds take 1 GiB.
const WORK_MAX: u8 = 20;
/// Longest passphrase, in bytes.
const PASSPHRASE_BYTES_MAX: usize = 1_024;

/// Why something stays closed, or cannot be closed.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The passphrase opens nothing. A damaged head of the file looks the same.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// Nothing that a passphrase would open.
    #[error("it is no file that was encrypted with a passphrase")]
    Form,
    /// Opening it would take more memory than this program gives it.
    #[error("opening it takes 2^{0} rounds; at most 2^{WORK_MAX} are allowed")]
    TooCostly(u8),
    /// A passphrase that is none.
    #[error("expected a passphrase of 1 to {PASSPHRASE_BYTES_MAX} bytes in one line")]
    NoPassphrase,
    /// It could not be read or written, or was changed by somebody.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What the owner remembers and nobody else knows. Never printed.
#[derive(Clone)]
pub struct Passphrase(SecretString);

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

impl PartialEq for Passphrase {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl Passphrase {
    /// The passphrase that somebody typed, or that a file holds: a line feed at its end is not part of it.
    ///
    /// # Errors
    /// It is empty, too long, or has more than one line.
    pub fn new(typed: &str) -> Result<Self, VaultError> {
        let line = typed.strip_suffix('\n').unwrap_or(typed);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let good =
            !line.is_empty() && line.len() <= PASSPHRASE_BYTES_MAX && !line.contains(['\n', '\r', '\0']);
        match good {
            true => Ok(Self(SecretString::from(line.to_owned()))),
            false => Err(VaultError::NoPassphrase),
        }
    }

    /// Whatever is written to what this gives goes to `output` encrypted. It must be finished, or the
    /// file is refused as cut.
    ///
    /// # Errors
    /// The output cannot be written.
    pub fn lock<W: Write>(&self, output: W) -> Result<Locking<W>, VaultError> {
        let mut recipient = age::scrypt::Recipient::new(self.0.clone());
        recipient.set_work_factor(WORK);
        let recipient: &dyn age::Recipient = &recipient;
        let encryptor = age::Encryptor::with_recipients(iter::once(recipient))
            .map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Locking(encryptor.wrap_output(output)?))
    }

    /// What was encrypted, piece by piece. A piece is given out only if nobody changed it.
    ///
    /// # Errors
    /// Another passphrase, or no such file.
    pub fn unlock<R: Read>(&self, input: R) -> Result<impl Read + use<R>, VaultError> {
        let decryptor = age::Decryptor::new(input).map_err(opening)?;
        if !decryptor.is_scrypt() {
            return Err(VaultError::Form);
        }
        let mut identity = age::scrypt::Identity::new(self.0.clone());
        identity.set_max_work_factor(WORK_MAX);
        let identity: &dyn age::Identity = &identity;
        decryptor.decrypt(iter::once(identity)).map_err(opening)
    }

    /// A few bytes, encrypted.
    ///
    /// # Errors
    /// This machine gives no memory or no random numbers.
    pub fn lock_bytes(&self, bytes: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut locking = self.lock(Vec::new())?;
        locking.write_all(bytes)?;
        Ok(locking.finish()?)
    }

    /// A few bytes, as they were.
    ///
    /// # Errors
    /// As [`Passphrase::unlock`]; or the bytes were changed.
    pub fn unlock_bytes(&self, locked: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let mut bytes = Zeroizing::new(Vec::new());
        self.unlock(locked)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// A file that is being encrypted.
pub struct Locking<W: Write>(age::stream::StreamWriter<W>);

impl<W: Write> Locking<W> {
    /// Ends the file; gives back what it was written to.
    ///
    /// # Errors
    /// The output cannot be written.
    pub fn finish(self) -> io::Result<W> {
        self.0.finish()
    }
}

impl<W: Write> Write for Locking<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn opening(error: age::DecryptError) -> VaultError {
    use age::DecryptError;
    match error {
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed | DecryptError::NoMatchingKeys => {
            VaultError::WrongPassphrase
        }
        DecryptError::InvalidMac => VaultError::WrongPassphrase,
        DecryptError::ExcessiveWork { required, .. } => VaultError::TooCostly(required),
        DecryptError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => VaultError::Form,
        DecryptError::Io(error) => VaultError::Io(error),
        // Of a form that this program does not know, or of another program's.
        _ => VaultError::Form,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passphrase_opens_what_it_closed_and_nothing_else_does() {
        let alice = Passphrase::new("blue market scarf\n").unwrap();
        let locked = alice.lock_bytes(b"the words").unwrap();
        assert!(!locked.windows(9).any(|window| window == b"the words"));
        assert_eq!(
            alice.unlock_bytes(&locked).unwrap().as_slice(),
            b"the words".as_slice()
        );
        let eve = Passphrase::new("blue market scarfs").unwrap();
        assert!(matches!(
            eve.unlock_bytes(&locked),
            Err(VaultError::WrongPassphrase)
        ));
    }

    #[test]
    fn a_changed_or_cut_file_gives_out_nothing() {
        let alice = Passphrase::new("blue market scarf").unwrap();
        let locked = alice.lock_bytes(&[7; 100]).unwrap();
        // Each trial of a passphrase costs on purpose, so only a few places are tried: one of each part.
        for place in [0, 30, locked.len() / 2, locked.len() - 60, locked.len() - 1] {
            let mut changed = locked.clone();
            changed[place] ^= 1;
            assert!(alice.unlock_bytes(&changed).is_err(), "a bit of byte {place}");
        }
        for length in [0, 10, locked.len() - 1] {
            assert!(alice.unlock_bytes(&locked[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn a_passphrase_is_one_line() {
        for none in ["", "\n", "a\nb", "a\0", &"a".repeat(PASSPHRASE_BYTES_MAX + 1)] {
            assert!(matches!(Passphrase::new(none), Err(VaultError::NoPassphrase)));
        }
        assert!(Passphrase::new("a b\r\n").unwrap() == Passphrase::new("a b").unwrap());
    }
}
