//! Where decisions meet the world: what wakes a controller, in which order it works, and which of several replicas may write.
//!
//! | Piece | What |
//! |---|---|
//! | [`queue`] | the work of a controller: each key once, user actions first, fair, bounded per lane, with injected time and randomness |
//! | [`leader`] | one of several replicas leads, by a Lease |

pub mod leader;
pub mod queue;
