//! Passes over a plan.

use super::Plan;
use crate::problem::Bug;

/// Runs every pass.
pub fn optimize(plan: Plan) -> Result<Plan, Bug> {
    Ok(plan)
}
