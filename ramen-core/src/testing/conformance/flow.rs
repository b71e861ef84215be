//! C1-C11: failure and flow, for transport and view alike.

pub(super) mod bounds;
pub(super) mod order;
pub(super) mod words;
