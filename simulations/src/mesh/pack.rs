//! How a world is written down and read again: numbers little-endian, lists with their length before them.
//! Compact and quick, for a world may be gigabytes; it is read by the program that wrote it and nobody else.

use souk_protocol::id::{AuthorId, DeviceId, EnvelopeId, OrderId, TabId};
use std::collections::{BTreeMap, BTreeSet};

/// Bytes that are read from their front. What is missing makes everything after it missing too.
#[derive(Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    /// The next so many bytes.
    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, left) = self.0.split_at_checked(count)?;
        self.0 = left;
        Some(taken)
    }
}

/// Something that can be written down and read again.
pub(crate) trait Pack: Sized {
    /// Appends it.
    fn pack(&self, out: &mut Vec<u8>);
    /// Reads it.
    fn unpack(from: &mut Reader) -> Option<Self>;
}

macro_rules! numbers {
    ($($kind:ty),*) => {$(
        impl Pack for $kind {
            fn pack(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn unpack(from: &mut Reader) -> Option<Self> {
                from.take(size_of::<$kind>())?.try_into().ok().map(<$kind>::from_le_bytes)
            }
        }
    )*};
}

numbers!(u8, u16, u32, u64, u128, i64);

impl Pack for usize {
    fn pack(&self, out: &mut Vec<u8>) {
        (*self as u64).pack(out);
    }

    fn unpack(from: &mut Reader) -> Option<Self> {
        u64::unpack(from)?.try_into().ok()
    }
}

impl Pack for bool {
    fn pack(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn unpack(from: &mut Reader) -> Option<Self> {
        u8::unpack(from).map(|byte| byte != 0)
    }
}

impl<T: Pack> Pack for Vec<T> {
    fn pack(&self, out: &mut Vec<u8>) {
        self.len().pack(out);
        self.iter().for_each(|item| item.pack(out));
    }

    fn unpack(from: &mut Reader) -> Option<Self> {
        let count = usize::unpack(from)?;
        // An item takes at least a byte, so a length that lies does not reserve memory.
        let mut items = Self::with_capacity(count.min(from.0.len()));
        for _ in 0..count {
            items.push(T::unpack(from)?);
        }
        Some(items)
    }
}

impl<T: Pack> Pack for Option<T> {
    fn pack(&self, out: &mut Vec<u8>) {
        self.is_some().pack(out);
        if let Some(item) = self {
            item.pack(out);
        }
    }

    fn unpack(from: &mut Reader) -> Option<Self> {
        match bool::unpack(from)? {
            true => T::unpack(from).map(Some),
            false => Some(None),
        }
    }
}

impl<A: Pack, B: Pack> Pack for (A, B) {
    fn pack(&self, out: &mut Vec<u8>) {
        self.0.pack(out);
        self.1.pack(out);
    }

    fn unpack(from: &mut Reader) -> Option<Self> {
        Some((A::unpack(from)?, B::unpack(from)?))
    }
}

impl<A: Pack, B: Pack, C: Pack> Pack for (A, B, C) {
    fn pack(&self, out: &mut Vec<u8>) {
        self.0.pack(out);
        self.1.pack(out);
        self.2.pack(out);
    }

    fn unpack(from: &mut Reader) -> Option<Self> {
        Some((A::unpack(from)?, B::unpack(from)?, C::unpack(from)?))
    }
}

impl<K: Pack + Ord, V: Pack> Pack for BTreeMap<K, V> {
    fn pack(&self, out: &mut Vec<u8>) {
        self.len().pack(out);
        for (key, value) in self {
            key.pack(out);
            value.pack(out);
        }
    }

    fn unpack(from: &mut Reader) -> Option<Self> {
        let count = usize::unpack(from)?;
        (0..count).map(|_| <(K, V)>::unpack(from)).collect()
    }
}

impl<T: Pack + Ord> Pack for BTreeSet<T> {
    fn pack(&self, out: &mut Vec<u8>) {
        self.len().pack(out);
        self.iter().for_each(|item| item.pack(out));
    }

    fn unpack(from: &mut Reader) -> Option<Self> {
        let count = usize::unpack(from)?;
        (0..count).map(|_| T::unpack(from)).collect()
    }
}

macro_rules! ids {
    ($($kind:ty),*) => {$(
        impl Pack for $kind {
            fn pack(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(self.as_bytes());
            }

            fn unpack(from: &mut Reader) -> Option<Self> {
                from.take(32)?.try_into().ok().map(<$kind>::from_bytes)
            }
        }
    )*};
}

ids!(AuthorId, DeviceId, EnvelopeId, OrderId, TabId);

impl Pack for String {
    fn pack(&self, out: &mut Vec<u8>) {
        self.len().pack(out);
        out.extend_from_slice(self.as_bytes());
    }

    fn unpack(from: &mut Reader) -> Option<Self> {
        let count = usize::unpack(from)?;
        Self::from_utf8(from.take(count)?.to_vec()).ok()
    }
}

/// Writes down the fields of a struct, one after the other.
macro_rules! packed {
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl crate::mesh::pack::Pack for $name {
            fn pack(&self, out: &mut Vec<u8>) {
                $(self.$field.pack(out);)*
            }

            fn unpack(from: &mut crate::mesh::pack::Reader) -> Option<Self> {
                Some(Self { $($field: crate::mesh::pack::Pack::unpack(from)?,)* })
            }
        }
    };
}
pub(crate) use packed;
