//! Where a GitOps controller deploys the application.
//!
//! Such a controller deletes the workload from a cluster as soon as that leaves the list of decisions. In a failover the old
//! cluster therefore stays listed, as *retained*, until its copy has turned secondary by the hub's last word: a deletion that
//! raced with a copy still acting as primary would take the volumes with it. Each change of the list is one write.

use super::{
    command::Command,
    pass::{Flow, Pass},
};
use crate::{
    api::{DRAction, names::annotations},
    intercluster::{ClusterName, Decision, PlacementState},
};

/// The list with this cluster as the one on which the application runs; what is retained stays.
fn with_live(state: &PlacementState, cluster: &ClusterName) -> Vec<Decision> {
    let others = state.decisions.iter().filter(|d| d.is_retained() && &d.cluster != cluster).cloned();
    others.chain([Decision::live(cluster.clone())]).collect()
}

/// The list with this cluster retained instead of live. An empty list gets it first; a list of others stays as it is.
fn with_retained(state: &PlacementState, cluster: &ClusterName) -> Vec<Decision> {
    if !state.can_retain {
        return state.decisions.clone();
    }
    if state.decisions.is_empty() {
        return vec![Decision::retained(cluster.clone())];
    }
    let retain = |d: &Decision| if &d.cluster == cluster { Decision::retained(cluster.clone()) } else { d.clone() };
    state.decisions.iter().map(retain).collect()
}

/// The list without this cluster, if it is retained there.
fn without_retained(state: &PlacementState, cluster: &ClusterName) -> Vec<Decision> {
    state.decisions.iter().filter(|d| !(d.is_retained() && &d.cluster == cluster)).cloned().collect()
}

impl Pass {
    /// The cluster on which the application is to run now.
    pub(super) fn live(&mut self) -> Flow<Option<ClusterName>> {
        Ok(self.placement()?.current().cloned())
    }

    /// Makes this cluster the one on which the application runs, and puts on record that it is.
    pub(super) fn place(&mut self, cluster: &ClusterName, guard: &str) -> Flow {
        let state = self.placement()?;
        if state.current() != Some(cluster) {
            self.decide_placement(&state, with_live(&state, cluster), guard);
        }
        self.annotate(annotations::LAST_APP_DEPLOYMENT_CLUSTER, cluster.as_str());
        let action = self.drpc().spec.action.map(DRAction::as_str).unwrap_or_default();
        self.annotate(annotations::LAST_ACTION, action);
        Ok(())
    }

    /// Keeps the application listed where it was, without that being where it runs.
    pub(super) fn retain(&mut self, cluster: &ClusterName) -> Flow {
        let state = self.placement()?;
        let list = with_retained(&state, cluster);
        self.decide_placement(&state, list, "the old cluster stays listed until its volumes are secondary");
        Ok(())
    }

    /// Lets go of where it was.
    pub(super) fn drop_retained(&mut self, cluster: &ClusterName) -> Flow {
        let state = self.placement()?;
        let list = without_retained(&state, cluster);
        self.decide_placement(&state, list, "the old cluster has turned secondary by the last word from the hub");
        Ok(())
    }

    /// Stops the application: no cluster runs it; what is retained stays.
    pub(super) fn clear_placement(&mut self, guard: &str) -> Flow {
        let state = self.placement()?;
        let list = state.decisions.iter().filter(|d| d.is_retained()).cloned().collect();
        self.decide_placement(&state, list, guard);
        Ok(())
    }

    fn decide_placement(&mut self, state: &PlacementState, decisions: Vec<Decision>, guard: &str) {
        if decisions != state.decisions {
            self.act(Command::SetDecisions { decisions, version: state.version.clone() }, guard);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intercluster::{DecisionsVersion, PlacementKind, PlacementRef};

    fn state(decisions: &[Decision]) -> PlacementState {
        PlacementState {
            reference: PlacementRef { namespace: "app".into(), name: "p".into() },
            kind: PlacementKind::Placement,
            uid: "u".into(),
            deleting: false,
            annotations: std::collections::BTreeMap::new(),
            held_by: None,
            can_retain: true,
            decisions: decisions.to_vec(),
            version: DecisionsVersion("1".into()),
        }
    }

    #[test]
    fn a_workload_is_never_listed_twice_and_never_dropped_before_its_time() {
        let (live, kept) = (Decision::live, Decision::retained);
        let dr1 = &ClusterName::new("dr1");
        for (before, placed, retained, dropped) in [
            (vec![], vec![live("dr1")], vec![kept("dr1")], vec![]),
            (vec![live("dr1")], vec![live("dr1")], vec![kept("dr1")], vec![live("dr1")]),
            (vec![live("dr2")], vec![live("dr1")], vec![live("dr2")], vec![live("dr2")]),
            (vec![kept("dr1")], vec![live("dr1")], vec![kept("dr1")], vec![]),
            (
                vec![kept("dr2"), live("dr1")],
                vec![kept("dr2"), live("dr1")],
                vec![kept("dr2"), kept("dr1")],
                vec![kept("dr2"), live("dr1")],
            ),
            (vec![kept("dr1"), live("dr2")], vec![live("dr1")], vec![kept("dr1"), live("dr2")], vec![live("dr2")]),
        ] {
            let state = state(&before);
            assert_eq!(with_live(&state, dr1), placed, "{before:?}");
            assert_eq!(with_retained(&state, dr1), retained, "{before:?}");
            assert_eq!(without_retained(&state, dr1), dropped, "{before:?}");
        }
    }

    #[test]
    fn a_placement_that_cannot_retain_is_left_alone() {
        let state = PlacementState { can_retain: false, ..state(&[Decision::live("dr1")]) };
        assert_eq!(with_retained(&state, &ClusterName::new("dr1")), state.decisions);
    }
}
