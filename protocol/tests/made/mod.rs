//! What the vectors are made of.

pub(crate) mod cbor;
pub(crate) mod refused;
pub(crate) mod said;
