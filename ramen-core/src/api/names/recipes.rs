//! Recipes: workflows, hooks and the reserved parameters.

super::names! {
    /// Workflow of a capture.
    WORKFLOW_BACKUP = "backup";
    /// Workflow of a recovery.
    WORKFLOW_RESTORE = "restore";
    /// Key of a workflow step: a group.
    STEP_GROUP = "group";
    /// Key of a workflow step: a hook.
    STEP_HOOK = "hook";
    /// `failOn`: any step's error stops; the default.
    FAIL_ON_ANY_ERROR = "any-error";
    /// `failOn`: an essential step's error stops.
    FAIL_ON_ESSENTIAL_ERROR = "essential-error";
    /// `failOn`: only the failure of all steps counts.
    FAIL_ON_FULL_ERROR = "full-error";
    /// Hook type: run a command in a container.
    HOOK_EXEC = "exec";
    /// Hook type: scale a workload.
    HOOK_SCALE = "scale";
    /// Hook type: check a condition.
    HOOK_CHECK = "check";
    /// Hook type: run a Job.
    HOOK_JOB = "job";
    /// `onError`: the workflow fails; the default.
    ON_ERROR_FAIL = "fail";
    /// `onError`: the workflow goes on.
    ON_ERROR_CONTINUE = "continue";
    /// Operation of a `scale` hook.
    SCALE_UP = "up";
    /// Operation of a `scale` hook.
    SCALE_DOWN = "down";
    /// Operation of a `scale` hook: wait until replicas are ready.
    SCALE_SYNC = "sync";
    /// Recipe built into the operator: virtual machines of discovered applications; never read from the API.
    VM_RECIPE = "vm-recipe";
    /// Group of the built-in recipe.
    VM_RECIPE_GROUP = "vm-backup";
    /// Volumes of the built-in recipe.
    VM_RECIPE_VOLUMES = "vm-volumes";
    /// Parameter of the built-in recipe: names of virtual machines.
    PARAMETER_PROTECTED_VMS = "PROTECTED_VMS";
    /// Parameter of the built-in recipe: values of the resource selector label.
    PARAMETER_K8S_RESOURCE_SELECTOR = "K8S_RESOURCE_SELECTOR";
    /// Parameter of the built-in recipe: values of the label on PVCs.
    PARAMETER_PVC_RESOURCE_SELECTOR = "PVC_RESOURCE_SELECTOR";
    /// Parameter of the built-in recipe that the operator fills with the protected namespaces.
    PARAMETER_VM_NAMESPACE = "VM_NAMESPACE";
    /// Parameter of any recipe: `true` stops captures.
    PARAMETER_STOP_RECIPE_RECONCILE = "STOP_RECIPE_RECONCILE";
}
