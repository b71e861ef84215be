//! What is told to the user when a phase is entered. Once: a pass that finds the phase already there tells nothing.

use super::command::Event;
use crate::api::{DRState, names::events};

/// The event of entering a phase; `None` for those of which upstream says nothing, and for `Initiating`, of which it only
/// says `unknown state`.
pub(super) fn of_phase(phase: &DRState, message: String) -> Option<Event> {
    let (warning, reason) = match phase {
        DRState::Deploying => (false, events::DRPC_DEPLOYING),
        DRState::Deployed => (false, events::DRPC_DEPLOY_SUCCESS),
        DRState::FailingOver => (true, events::DRPC_FAILING_OVER),
        DRState::FailedOver => (false, events::DRPC_FAILOVER_SUCCESS),
        DRState::Relocating => (false, events::DRPC_RELOCATING),
        DRState::Relocated => (false, events::DRPC_RELOCATION_SUCCESS),
        DRState::WaitForUser | DRState::Initiating | DRState::Deleting | DRState::Other(_) => return None,
    };
    Some(Event { warning, reason: reason.into(), message })
}
