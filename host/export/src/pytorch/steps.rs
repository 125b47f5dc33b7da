//! Members of a group as steps of a Python method: repeated members become one loop.

use std::collections::HashMap;

use super::names::without_number;
use crate::hierarchy::{Group, Hierarchy, Member, Part, arguments};

/// Fewest members that a loop over pairs is worth.
const SHORTEST_PAIRS: usize = 3;

/// One or several members that one statement computes.
pub(super) enum Step<'a> {
    One(&'a Member),
    /// Each takes the result of the one before.
    Chain(Vec<&'a Member>),
    /// Each takes the results of the two before.
    Pairs(Vec<&'a Member>),
}

impl<'a> Step<'a> {
    pub(super) fn members(&self) -> &[&'a Member] {
        match self {
            Self::One(member) => std::slice::from_ref(member),
            Self::Chain(members) | Self::Pairs(members) => members,
        }
    }
}

/// How one member takes what another gives.
#[derive(Clone, Copy, PartialEq)]
enum Link {
    Chain,
    Pairs,
}

/// Finds members that follow each other, of one class each. `class` tells a group's class, `uses` how many members use a
/// node's result, the group's own output included.
pub(super) fn steps<'a>(
    group: &'a Group,
    class: &dyn Fn(&Group) -> Option<usize>,
    uses: &HashMap<usize, usize>,
) -> Vec<Step<'a>> {
    let members = &group.members;
    let mut steps = Vec::new();
    let mut start = 0;
    while start < members.len() {
        let mut end = start + 1;
        let mut kind = None;
        while let Some(next) = members.get(end) {
            let before = &members[start..end];
            let Some(link) = link(before, next, class, uses) else { break };
            if kind.is_some_and(|kind| kind != link) {
                break;
            }
            kind = Some(link);
            end += 1;
        }
        let run: Vec<&Member> = members[start..end].iter().collect();
        match kind {
            Some(Link::Chain) => steps.push(Step::Chain(run)),
            Some(Link::Pairs) if run.len() >= SHORTEST_PAIRS && ends_alone(&run, uses) => {
                steps.push(Step::Pairs(run));
            }
            _ => {
                end = start + 1;
                steps.push(Step::One(&members[start]));
            }
        }
        start = end;
    }
    steps
}

fn link(
    before: &[Member],
    next: &Member,
    class: &dyn Fn(&Group) -> Option<usize>,
    uses: &HashMap<usize, usize>,
) -> Option<Link> {
    let last = before.last()?;
    let (Part::Group(one), Part::Group(other)) = (&last.part, &next.part) else { return None };
    let base = |group: &Group| group.names.first().map(|name| without_number(name).to_owned());
    let alike = class(one) == class(other) && base(one) == base(other) && last.places == next.places;
    let [output] = one.outputs[..] else { return None };
    if !alike || other.outputs.len() != 1 || last.auxiliary != next.auxiliary {
        return None;
    }
    match (&one.ports[..], &other.ports[..]) {
        ([_], [port]) if port.node == output && uses.get(&output) == Some(&1) => Some(Link::Chain),
        ([_, second], [first, third]) if first.node == second.node && third.node == output => {
            // What stays inside of the loop is used by the next two alone.
            let inside = before.len().checked_sub(2).map(|index| &before[index]);
            let hidden = inside.is_none_or(|member| {
                member.outputs().iter().all(|output| uses.get(output).is_some_and(|uses| *uses == 2))
            });
            hidden.then_some(Link::Pairs)
        }
        _ => None,
    }
}

/// Whether no result but the last two is used outside.
fn ends_alone(run: &[&Member], uses: &HashMap<usize, usize>) -> bool {
    let hidden = run.len().saturating_sub(2);
    run[..hidden].iter().all(|member| member.outputs().iter().all(|output| uses.get(output) == Some(&2)))
}

/// How many members use each node's result, the group's own output included.
pub(super) fn uses(network: &archwright_space::Network, hierarchy: &Hierarchy, group: &Group) -> HashMap<usize, usize> {
    let mut uses = HashMap::new();
    for member in &group.members {
        let mut nodes = arguments(network, &hierarchy.same, &member.part);
        nodes.sort_unstable();
        nodes.dedup();
        nodes.iter().for_each(|node| *uses.entry(*node).or_insert(0) += 1);
    }
    group.outputs.iter().for_each(|node| *uses.entry(*node).or_insert(0) += 1);
    uses
}
