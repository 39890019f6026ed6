//! One peer of Souk. Two of its rooms, which stand apart from all others:
//!
//! | module | what it holds |
//! |---|---|
//! | `products` | product files of other systems, in and out |
//! | `search` | full-text search over what this node holds |

pub mod products;
pub mod search;
