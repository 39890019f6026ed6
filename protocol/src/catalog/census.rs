//! Counts what a change claims, before automerge believes it.
//!
//! A change is stored in columns with run lengths: a hundred bytes may say "the same, a million times"
//! (453 MiB and 6 s when measured), or 2^60 times, which ends never. This walks the columns, which
//! takes time by their bytes and not by their claims, and refuses a change that claims too much. The
//! form is automerge's binary format: a chunk of type 1 (one uncompressed change); the specification of
//! a column holds its type in the low three bits, then a bit for compression, then its number.

use super::CatalogError;
use crate::limits::{CHANGE_COUNTER_MAX, CHANGE_FIELDS_MAX, CHANGE_REPLACED_MAX};

const MAGIC: &[u8] = &[0x85, 0x6f, 0x4a, 0x83];
const CHECKSUM_BYTES: u64 = 4;
const CHANGE: &[u8] = &[1];
const HASH_BYTES: u64 = 32;
const COMPRESSED: u64 = 0b1000;
/// The column numbers of what operations replace: several rows for each, one for every device that wrote
/// the field concurrently.
const REPLACED: u64 = 7;

/// Column types.
const GROUP: u64 = 0;
const BOOLEAN: u64 = 4;
const STRING: u64 = 5;
const RAW: u64 = 7;

/// Refuses a chunk that is not one plain change of moderate claims.
pub(super) fn check(chunk: &[u8]) -> Result<(), CatalogError> {
    let mut cursor = Cursor(chunk);
    let (counter, columns) = head(&mut cursor).ok_or(CatalogError::ChangeForm)?;
    let mut operations = 0;
    for (specification, length) in columns {
        let data = cursor.take(length).ok_or(CatalogError::ChangeForm)?;
        if specification & COMPRESSED != 0 {
            return Err(CatalogError::ChangeForm);
        }
        let rows = claimed_rows(specification & 0b111, data).ok_or(CatalogError::ChangeForm)?;
        let replaced = specification >> 4 == REPLACED;
        if rows
            > if replaced {
                CHANGE_REPLACED_MAX as u64
            } else {
                CHANGE_FIELDS_MAX as u64
            }
        {
            return Err(CatalogError::ChangeTooLarge(rows));
        }
        if !replaced {
            operations = operations.max(rows);
        }
    }
    match counter.saturating_add(operations) {
        last if last > CHANGE_COUNTER_MAX => Err(CatalogError::CounterTooLarge(last)),
        _ => Ok(()),
    }
}

/// The number of the first operation, and the columns by specification and length.
fn head(cursor: &mut Cursor<'_>) -> Option<(u64, Vec<(u64, u64)>)> {
    let known =
        cursor.take(4)? == MAGIC && cursor.take(CHECKSUM_BYTES).is_some() && cursor.take(1)? == CHANGE;
    let length = cursor.unsigned()?;
    if !known || length != cursor.0.len() as u64 {
        return None;
    }
    let dependencies = cursor.unsigned()?;
    cursor.take(dependencies.checked_mul(HASH_BYTES)?)?;
    cursor.prefixed()?; // the actor
    cursor.unsigned()?; // its change's number
    let counter = cursor.unsigned()?;
    cursor.skip_number()?; // the time
    cursor.prefixed()?; // a comment
    for _ in 0..cursor.unsigned()? {
        cursor.prefixed()?; // another actor; each takes a byte at least, so this ends
    }
    let mut columns = Vec::new();
    for _ in 0..cursor.unsigned()? {
        columns.push((cursor.unsigned()?, cursor.unsigned()?));
    }
    Some((counter, columns))
}

/// Rows that a column claims to have, or that its groups claim to have elsewhere, if that is more.
fn claimed_rows(kind: u64, data: &[u8]) -> Option<u64> {
    let mut cursor = Cursor(data);
    let (mut rows, mut members) = (0u64, 0u64);
    while kind != RAW && !cursor.0.is_empty() {
        if kind == BOOLEAN {
            rows = rows.saturating_add(cursor.unsigned()?);
            continue;
        }
        let run = cursor.signed()?;
        let count = match run {
            0 => cursor.unsigned()?,
            _ => run.unsigned_abs(),
        };
        rows = rows.saturating_add(count);
        let (values, each) = match run {
            0 => (0, 0),
            1.. => (1, count),
            _ => (count, 1),
        };
        // Each value takes a byte at least, so a false count ends with the data.
        for _ in 0..values {
            match kind {
                STRING => drop(cursor.prefixed()?),
                GROUP => members = members.saturating_add(cursor.unsigned()?.saturating_mul(each)),
                _ => cursor.skip_number()?,
            }
        }
    }
    Some(rows.max(members))
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    fn prefixed(&mut self) -> Option<&'a [u8]> {
        let length = self.unsigned()?;
        self.take(length)
    }

    /// The seven-bit digits of a LEB128 number, lowest first, and how many bits they are.
    fn digits(&mut self) -> Option<(u64, u32)> {
        let (mut number, mut bits) = (0u64, 0);
        loop {
            let byte = *self.take(1)?.first()?;
            let digit = u64::from(byte & 0x7f);
            if bits > 63 || (bits == 63 && !matches!(digit, 0 | 1 | 0x7f)) {
                return None;
            }
            number |= digit << bits;
            bits += 7;
            if byte & 0x80 == 0 {
                return Some((number, bits));
            }
        }
    }

    fn unsigned(&mut self) -> Option<u64> {
        self.digits().map(|(number, _)| number)
    }

    fn signed(&mut self) -> Option<i64> {
        let (number, bits) = self.digits()?;
        let shift = 64u32.saturating_sub(bits);
        Some((number << shift).cast_signed() >> shift)
    }

    fn skip_number(&mut self) -> Option<()> {
        self.digits().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use automerge::transaction::{CommitOptions, Transactable};
    use automerge::{ActorId, Automerge, ROOT};
    use proptest::prelude::*;

    fn change(fields: usize) -> Vec<u8> {
        let mut doc = Automerge::new().with_actor(ActorId::from([7; 32]));
        let mut transaction = doc.transaction();
        for n in 0..fields {
            transaction.put(ROOT, format!("key{n}"), n as i64 % 3).unwrap();
        }
        transaction.commit_with(CommitOptions::default().with_time(-5));
        doc.get_last_local_change().unwrap().raw_bytes().to_vec()
    }

    fn leb(mut number: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let digit = (number & 0x7f) as u8;
            number >>= 7;
            if number == 0 {
                bytes.push(digit);
                return bytes;
            }
            bytes.push(digit | 0x80);
        }
    }

    /// A change with these columns, as eve would write it.
    fn forged(counter: u64, columns: &[(u8, Vec<u8>)]) -> Vec<u8> {
        let mut body = vec![0, 1, 7, 1];
        body.extend(leb(counter));
        body.extend([0, 0, 0, columns.len() as u8]);
        for (specification, data) in columns {
            body.extend([*specification, data.len() as u8]);
        }
        body.extend(columns.iter().flat_map(|(_, data)| data));
        [MAGIC, &[0; 4], CHANGE, &leb(body.len() as u64), &body].concat()
    }

    #[test]
    fn changes_of_real_documents_pass() {
        for fields in [1, 2, 9, 500, 5_000] {
            assert_eq!(check(&change(fields)), Ok(()), "{fields}");
        }
    }

    #[test]
    fn a_change_that_claims_too_much_is_refused_before_it_costs_anything() {
        assert!(matches!(
            check(&change(CHANGE_FIELDS_MAX + 9)),
            Err(CatalogError::ChangeTooLarge(_))
        ));
        // The action column says "put" 2^60 times: ten bytes of run length and one of value.
        let run: u64 = 1 << 60;
        let many = [leb(run), vec![1]].concat();
        assert_eq!(
            check(&forged(1, &[(0x42, many)])),
            Err(CatalogError::ChangeTooLarge(run))
        );
        let nulls = [vec![0], leb(run)].concat();
        assert_eq!(
            check(&forged(1, &[(0x15, nulls)])),
            Err(CatalogError::ChangeTooLarge(run))
        );
        assert_eq!(
            check(&forged(1, &[(0x34, leb(run))])),
            Err(CatalogError::ChangeTooLarge(run))
        );
        // One operation that replaces 2^60 others.
        let group = [vec![1], leb(run)].concat();
        assert_eq!(
            check(&forged(1, &[(0x70, group)])),
            Err(CatalogError::ChangeTooLarge(run))
        );
        // A thousand literals, of which none is there.
        let literals = vec![0x98, 0x78];
        assert_eq!(
            check(&forged(1, &[(0x42, literals)])),
            Err(CatalogError::ChangeForm)
        );
    }

    #[test]
    fn a_counter_near_the_end_is_refused() {
        let put = vec![2, 1];
        assert_eq!(
            check(&forged(CHANGE_COUNTER_MAX - 2, &[(0x42, put.clone())])),
            Ok(())
        );
        assert_eq!(
            check(&forged(CHANGE_COUNTER_MAX - 1, &[(0x42, put)])),
            Err(CatalogError::CounterTooLarge(CHANGE_COUNTER_MAX + 1))
        );
    }

    #[test]
    fn documents_and_compressed_changes_are_refused() {
        let mut document = change(3);
        document[8] = 0;
        assert_eq!(check(&document), Err(CatalogError::ChangeForm));
        document[8] = 2;
        assert_eq!(check(&document), Err(CatalogError::ChangeForm));
        assert_eq!(
            check(&forged(1, &[(0x4a, vec![2, 1])])),
            Err(CatalogError::ChangeForm)
        );
        assert_eq!(check(&[]), Err(CatalogError::ChangeForm));
    }

    #[test]
    fn signed_numbers_read_as_automerge_writes_them() {
        for (bytes, number) in [
            (vec![0x7f], -1),
            (vec![0x3f], 63),
            (vec![0x40], -64),
            (vec![0x80, 0x01], 128),
            (vec![0x80, 0x7f], -128),
        ] {
            assert_eq!(Cursor(&bytes).signed(), Some(number));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(at in 0usize..400, byte: u8, cut in 0usize..400) {
            let mut bytes = change(20);
            let length = bytes.len();
            bytes[at % length] = byte;
            bytes.truncate(length - cut % length);
            let _ = check(&bytes);
        }
    }
}
