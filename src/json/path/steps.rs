//! Limits the total work of the path evaluations of several commands.
//!
//! Invariants:
//! * a budget counts steps and never time, so replicas that apply the same entry refuse the same
//!   commands;
//! * while a budget has steps left, an evaluation may use all the fuel that its document allows, so
//!   the first evaluation of an entry is never refused because of the budget;
//! * once a budget has no steps left, each command may still use its allowance, so cheap commands
//!   that follow expensive ones succeed.

use std::cell::Cell;

use super::Fuel;
use crate::error::CommandError;
use crate::json::Document;

/// Maximum total steps of the commands of one entry, and of the commands of one reading request:
/// about half a second of work.
pub const STEPS_MAX: u64 = 1 << 26;

/// Allowance in steps of a command after its entry has used up [`STEPS_MAX`]. A thousand such
/// commands together use less than a sixtieth of [`STEPS_MAX`].
pub const STEPS_ALLOWED: u64 = 1 << 10;

/// Number of bytes that an edit may copy for one step.
pub const EDITED_BYTES_PER_STEP: usize = 64;

/// A count of steps that several commands share.
#[derive(Debug)]
pub struct StepBudget {
    left: Cell<u64>,
    /// Steps that the current command may still use once `left` is 0.
    allowance: Cell<u64>,
}

impl Default for StepBudget {
    fn default() -> StepBudget {
        StepBudget { left: Cell::new(STEPS_MAX), allowance: Cell::new(0) }
    }
}

impl StepBudget {
    /// Begins the next of several commands, which gets a new allowance.
    pub fn next_command(&self) -> Steps<'_> {
        self.allowance.set(STEPS_ALLOWED);
        Steps(Some(self))
    }

    /// Begins the only command of a budget, which needs no allowance.
    pub fn only_command(&self) -> Steps<'_> {
        Steps(Some(self))
    }

    /// Subtracts steps that an evaluation took, first from `left`, then from the allowance.
    fn take(&self, steps: u64) {
        let left = self.left.get();
        let over = steps.saturating_sub(left);
        self.left.set(left.saturating_sub(steps));
        self.allowance.set(self.allowance.get().saturating_sub(over));
    }
}

/// A command's access to a [`StepBudget`]. Without a budget, steps are not counted.
#[derive(Clone, Copy, Debug)]
pub struct Steps<'a>(Option<&'a StepBudget>);

impl Steps<'_> {
    pub const UNLIMITED: Steps<'static> = Steps(None);

    pub fn is_limited(self) -> bool {
        self.0.is_some()
    }

    /// Evaluates a path over `document`.
    ///
    /// # Errors
    /// If the path takes more steps than its document allows, or if the budget and the command's
    /// allowance are used up.
    pub fn evaluate<T>(
        self,
        document: &Document,
        evaluation: impl FnOnce(&mut Fuel) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        let mut fuel = Fuel::for_document(document);
        let Some(budget) = self.0 else { return evaluation(&mut fuel) };
        let spent = budget.left.get() == 0;
        if spent {
            fuel.limit(budget.allowance.get());
            if fuel.left() == 0 {
                return Err(CommandError::OUT_OF_STEPS);
            }
        }
        let before = fuel.left();
        let outcome = evaluation(&mut fuel);
        budget.take(before - fuel.left());
        match outcome {
            Err(error) if spent && error == CommandError::OUT_OF_FUEL => Err(CommandError::OUT_OF_STEPS),
            outcome => outcome,
        }
    }

    /// Takes steps for the copy of a document that an edit makes.
    ///
    /// # Errors
    /// If the budget has no steps left and the command's allowance is too small.
    pub fn spend_on_edit(self, document: &Document) -> Result<(), CommandError> {
        let Some(budget) = self.0 else { return Ok(()) };
        let steps = (document.encoded().len() / EDITED_BYTES_PER_STEP) as u64;
        if budget.left.get() == 0 && budget.allowance.get() < steps {
            return Err(CommandError::OUT_OF_STEPS);
        }
        budget.take(steps);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::ParseLimits;
    use crate::json::path::Path;

    fn document(elements: usize) -> Document {
        let text = format!("[{}]", vec!["1"; elements].join(","));
        crate::json::parse(text.as_bytes(), &ParseLimits::default()).unwrap()
    }

    /// Counts how many evaluations succeed before the first one that is refused.
    fn evaluations(steps: impl Fn() -> bool) -> usize {
        (0..).take_while(|_| steps()).count()
    }

    #[test]
    fn a_spent_budget_leaves_each_command_its_allowance() {
        let budget = StepBudget::default();
        let (path, large, small) = (Path::parse(b"$..*").unwrap(), document(100_000), document(100));
        let walks = |steps: Steps<'_>, document: &Document| {
            steps.evaluate(document, |fuel| path.locations(document, fuel))
        };
        let large_walks = evaluations(|| walks(budget.next_command(), &large).is_ok());
        assert!(large_walks > 100, "the budget allows over 100 walks of 100,000 values, not {large_walks}");
        assert_eq!(walks(budget.next_command(), &large), Err(CommandError::OUT_OF_STEPS));
        for _ in 0..1000 {
            assert!(
                walks(budget.next_command(), &small).is_ok(),
                "a cheap command succeeds on its allowance"
            );
        }
        let command = budget.next_command();
        let small_walks = evaluations(|| walks(command, &small).is_ok());
        assert!(
            (1..10).contains(&small_walks),
            "the paths of a command share its allowance, which ends after {small_walks} walks"
        );
        assert_eq!(command.spend_on_edit(&large), Err(CommandError::OUT_OF_STEPS));
    }

    #[test]
    fn one_evaluation_has_the_fuel_of_its_document() {
        let budget = StepBudget::default();
        let document = document(10);
        let all = |fuel: &mut Fuel| Ok(fuel.left());
        assert_eq!(budget.only_command().evaluate(&document, all), Steps::UNLIMITED.evaluate(&document, all));
        budget.take(STEPS_MAX - 1);
        assert_eq!(budget.only_command().evaluate(&document, all), Steps::UNLIMITED.evaluate(&document, all));
        budget.take(1);
        assert_eq!(budget.only_command().evaluate(&document, all), Err(CommandError::OUT_OF_STEPS));
    }
}
