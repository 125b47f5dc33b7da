//! The structure in a network's names: `2/normal-1/node-3/op-1-from-0/sep_conv_3x3/4/conv2d` says that a convolution is
//! part of the module `sep_conv_3x3`, which is part of the first `normal`.
//!
//! Parts of a name that say *where* in a module something stands (`3`, `node-3`, `edge-0-2`, ...) make no group; they are
//! kept as places. Every other part is a group of nodes, unless calling the group as a whole would need its own result.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use archwright_space::{Network, Op};

use crate::sequence::Sequence;

/// Most parts of a name that make groups; the rest of it counts as the node's own name.
const MAX_DEPTH: usize = 32;

/// A group of nodes that are computed together.
#[derive(Debug)]
pub(crate) struct Group {
    /// Names of the modules that this group is: the outermost first, several where one holds nothing but another.
    pub(crate) names: Vec<String>,
    /// In an order in which they can be computed.
    pub(crate) members: Vec<Member>,
    /// What it takes.
    pub(crate) ports: Vec<Port>,
    /// The nodes whose results others use.
    pub(crate) outputs: Vec<usize>,
}

/// Something that a group takes. A node's result may come in by several ports.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Port {
    pub(crate) node: usize,
    /// Which of the group's inputs it is, where the members' places tell.
    pub(crate) input: Option<String>,
}

/// A member of a group.
#[derive(Debug)]
pub(crate) struct Member {
    /// Where it stands in the group, e.g. `node-3`, `op-1-from-0`.
    pub(crate) places: Vec<String>,
    pub(crate) part: Part,
    /// Whether it serves auxiliary heads alone.
    pub(crate) auxiliary: bool,
}

#[derive(Debug)]
pub(crate) enum Part {
    /// A node, with the names of the modules that are this node and nothing else.
    Node {
        node: usize,
        names: Vec<String>,
    },
    Group(Group),
}

/// A network with its structure.
#[derive(Debug)]
pub(crate) struct Hierarchy {
    pub(crate) whole: Group,
    /// For each node, the node whose result is the same: identities are gone.
    pub(crate) same: Vec<usize>,
    /// Nodes whose results are the scores of auxiliary heads.
    pub(crate) heads: Vec<usize>,
    /// The node whose result is the network's.
    pub(crate) output: usize,
    /// How it goes from step to step, where it is for sequences.
    pub(crate) sequence: Option<Sequence>,
}

/// A node and the part of its name that is not used up yet.
struct Named<'a> {
    node: usize,
    path: Vec<&'a str>,
}

impl Hierarchy {
    /// The structure of a valid network.
    pub(crate) fn of(network: &Network) -> Self {
        let mut same: Vec<usize> = (0..network.nodes.len()).collect();
        for (index, node) in network.nodes.iter().enumerate() {
            if let (Op::Identity, Some(input)) = (&node.op, node.inputs.first()) {
                same[index] = same[*input];
            }
        }
        let output = same.last().copied().unwrap_or(0);
        let heads: Vec<usize> = network
            .nodes
            .iter()
            .filter(|node| matches!(node.op, Op::Auxiliary))
            .filter_map(|node| node.inputs.first().map(|input| same[*input]))
            .collect();
        let mut sequence = Sequence::of(network);
        // What a state becomes counts as much as the scores.
        let mut results = vec![output];
        for state in sequence.iter_mut().flat_map(|sequence| &mut sequence.states) {
            state.next = same[state.next];
            results.push(state.next);
        }
        let shares = network.nodes.iter().any(|node| matches!(node.op, Op::TiedLinear { .. }));
        let builder = Builder { network, same: &same, live: ancestors(network, &same, &results), shares };
        let served = ancestors(network, &same, &heads);
        let ends: Vec<usize> = heads.iter().copied().chain(results).collect();
        let main = |index: &usize| builder.is_computed(*index) && builder.live[*index];
        let extra = |index: &usize| builder.is_computed(*index) && served[*index] && !builder.live[*index];
        let all: Vec<usize> = (0..network.nodes.len()).collect();
        let mut members = builder.members(all.iter().filter(|index| main(index)).map(|index| builder.named(*index)));
        let auxiliary: Vec<usize> = all.iter().copied().filter(extra).collect();
        for mut member in builder.members(builder.hoisted(&auxiliary)) {
            member.auxiliary = true;
            members.push(member);
        }
        // Heads come right after what they look at.
        let members = builder.without_cycles(members);
        let mut whole = Group { names: vec!["network".into()], members, ports: Vec::new(), outputs: Vec::new() };
        builder.settle(&mut whole, &ends);
        Self { whole, same, heads, output, sequence }
    }
}

/// Which nodes some nodes depend on, themselves included.
fn ancestors(network: &Network, same: &[usize], of: &[usize]) -> Vec<bool> {
    let mut found = vec![false; network.nodes.len()];
    of.iter().for_each(|node| found[*node] = true);
    for index in (0..network.nodes.len()).rev() {
        if found[index] {
            network.nodes[index].inputs.iter().for_each(|input| found[same[*input]] = true);
        }
    }
    found
}

struct Builder<'a> {
    network: &'a Network,
    same: &'a [usize],
    /// Whether the output or a state depends on a node.
    live: Vec<bool>,
    /// Whether a layer has the weights of an embedding.
    shares: bool,
}

impl<'a> Builder<'a> {
    fn is_computed(&self, index: usize) -> bool {
        let uncomputed = matches!(
            self.network.nodes[index].op,
            Op::Input { .. } | Op::Auxiliary | Op::State { .. } | Op::SetState { .. }
        );
        self.same[index] == index && !uncomputed
    }

    fn named(&self, node: usize) -> Named<'a> {
        // Layers that share weights stand beside each other, where one can reach the other.
        if self.shares && matches!(self.network.nodes[node].op, Op::Embedding { .. } | Op::TiedLinear { .. }) {
            return Named { node, path: vec![&self.network.nodes[node].name] };
        }
        Named { node, path: self.network.nodes[node].name.splitn(MAX_DEPTH, '/').collect() }
    }

    /// Auxiliary nodes with names that start at the outermost group that holds no others, so that none of them is inside of
    /// what is computed outside training.
    fn hoisted(&self, auxiliary: &[usize]) -> Vec<Named<'a>> {
        let mut shared: BTreeSet<Vec<&str>> = BTreeSet::new();
        for index in (0..self.network.nodes.len()).filter(|index| self.is_computed(*index) && self.live[*index]) {
            let path = self.named(index).path;
            (0..path.len()).for_each(|length| {
                shared.insert(path[..length].to_vec());
            });
        }
        let own = |Named { node, path }: Named<'a>| {
            let start = (0..path.len()).take_while(|length| shared.contains(&path[..*length])).count();
            Named { node, path: path[start.saturating_sub(1)..].to_vec() }
        };
        auxiliary.iter().map(|node| own(self.named(*node))).collect()
    }

    /// Groups nodes by the first part of their names.
    fn members(&self, nodes: impl IntoIterator<Item = Named<'a>>) -> Vec<Member> {
        let mut order: Vec<(Option<&str>, Vec<Named<'a>>)> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for Named { node, path } in nodes {
            match path.split_first() {
                Some((first, rest)) if !rest.is_empty() => {
                    let place = *places.entry(first).or_insert_with(|| {
                        order.push((Some(first), Vec::new()));
                        order.len() - 1
                    });
                    order[place].1.push(Named { node, path: rest.to_vec() });
                }
                _ => order.push((None, vec![Named { node, path }])),
            }
        }
        let mut members = Vec::new();
        for (name, nodes) in order {
            match name {
                None => members.extend(nodes.into_iter().map(|Named { node, .. }| Member {
                    places: Vec::new(),
                    part: Part::Node { node, names: Vec::new() },
                    auxiliary: false,
                })),
                Some(name) => self.member(name, nodes, &mut members),
            }
        }
        self.without_cycles(members)
    }

    /// Adds what the nodes are whose names start with `name`.
    fn member(&self, name: &str, nodes: Vec<Named<'a>>, members: &mut Vec<Member>) {
        let mut inner = self.members(nodes);
        if is_place(name) {
            let named = name.parse::<u64>().is_err();
            for mut member in inner {
                if named {
                    member.places.insert(0, name.to_owned());
                }
                members.push(member);
            }
            return;
        }
        if let [Member { part, .. }] = inner.as_mut_slice() {
            match part {
                Part::Node { names, .. } | Part::Group(Group { names, .. }) => names.insert(0, name.to_owned()),
            }
            members.append(&mut inner);
            return;
        }
        let group = Group { names: vec![name.to_owned()], members: inner, ports: Vec::new(), outputs: Vec::new() };
        members.push(Member { places: Vec::new(), part: Part::Group(group), auxiliary: false });
    }

    /// Takes groups apart that need each other's results, and puts the others in order.
    fn without_cycles(&self, mut members: Vec<Member>) -> Vec<Member> {
        loop {
            let (order, stuck) = self.order(&members);
            if stuck.is_empty() {
                let mut slots: Vec<Option<Member>> = members.into_iter().map(Some).collect();
                return order.into_iter().filter_map(|index| slots[index].take()).collect();
            }
            let mut apart = Vec::new();
            for (index, member) in members.into_iter().enumerate() {
                match member {
                    Member { places, part: Part::Group(group), .. } if stuck.contains(&index) => {
                        for mut inner in group.members {
                            inner.places.splice(0..0, places.iter().chain(&group.names).cloned());
                            apart.push(inner);
                        }
                    }
                    member => apart.push(member),
                }
            }
            members = apart;
        }
    }

    /// An order in which members can be computed, and those that are on no such order.
    fn order(&self, members: &[Member]) -> (Vec<usize>, BTreeSet<usize>) {
        let mut owner: HashMap<usize, usize> = HashMap::new();
        let sets: Vec<Vec<usize>> = members.iter().map(|member| nodes_of(&member.part)).collect();
        for (index, nodes) in sets.iter().enumerate() {
            nodes.iter().for_each(|node| {
                owner.insert(*node, index);
            });
        }
        let mut waits: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); members.len()];
        let mut serves: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); members.len()];
        for (index, nodes) in sets.iter().enumerate() {
            for input in nodes.iter().flat_map(|node| &self.network.nodes[*node].inputs) {
                if let Some(other) = owner.get(&self.same[*input])
                    && *other != index
                {
                    waits[index].insert(*other);
                    serves[*other].insert(index);
                }
            }
        }
        let first = |index: usize| sets[index].iter().copied().min().unwrap_or(0);
        let mut ready: BTreeSet<(usize, usize)> =
            (0..members.len()).filter(|index| waits[*index].is_empty()).map(|index| (first(index), index)).collect();
        let mut order = Vec::new();
        while let Some((_, index)) = ready.pop_first() {
            order.push(index);
            for served in serves[index].clone() {
                waits[served].remove(&index);
                if waits[served].is_empty() {
                    ready.insert((first(served), served));
                }
            }
        }
        let done: BTreeSet<usize> = order.iter().copied().collect();
        // What only waits for a cycle is left whole: it is looked at again once the cycle is taken apart.
        let mut stuck: BTreeSet<usize> = (0..members.len()).filter(|index| !done.contains(index)).collect();
        loop {
            let idle = stuck.iter().copied().find(|index| serves[*index].is_disjoint(&stuck));
            match idle {
                Some(index) => stuck.remove(&index),
                None => break,
            };
        }
        (order, stuck)
    }

    /// Finds out what groups take and give; `ends` are used from outside.
    fn settle(&self, group: &mut Group, ends: &[usize]) {
        let mut users: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (index, node) in self.network.nodes.iter().enumerate() {
            if self.is_computed(index) {
                node.inputs.iter().for_each(|input| users.entry(self.same[*input]).or_default().push(index));
            }
        }
        self.settle_members(&mut group.members, ends, &users);
        group.outputs = ends.to_vec();
    }

    fn settle_members(&self, members: &mut [Member], ends: &[usize], users: &BTreeMap<usize, Vec<usize>>) {
        for member in members {
            let Part::Group(group) = &mut member.part else { continue };
            self.settle_members(&mut group.members, ends, users);
            let inside: BTreeSet<usize> = group.members.iter().flat_map(|member| nodes_of(&member.part)).collect();
            let mut ports = Vec::new();
            for member in &group.members {
                let input = member.input();
                for node in self.arguments(&member.part) {
                    let port = Port { node, input: input.clone() };
                    if !inside.contains(&node) && !ports.contains(&port) {
                        ports.push(port);
                    }
                }
            }
            // In the order in which a person numbers them.
            ports.sort_by(|one, other| one.input.cmp(&other.input));
            group.ports = ports;
            let leaves = |node: &usize| {
                let used = users.get(node).is_some_and(|users| users.iter().any(|user| !inside.contains(user)));
                used || ends.contains(node)
            };
            group.outputs = inside.iter().copied().filter(leaves).collect();
        }
    }

    fn arguments(&self, part: &Part) -> Vec<usize> {
        arguments(self.network, self.same, part)
    }
}

/// The nodes whose results a member takes, in the order of its ports.
pub(crate) fn arguments(network: &Network, same: &[usize], part: &Part) -> Vec<usize> {
    match part {
        Part::Node { node, .. } => network.nodes[*node].inputs.iter().map(|input| same[*input]).collect(),
        Part::Group(group) => group.ports.iter().map(|port| port.node).collect(),
    }
}

impl Member {
    /// Which of the group's inputs it works on, where its place tells.
    pub(crate) fn input(&self) -> Option<String> {
        self.places.first().filter(|place| place.starts_with("input-")).cloned()
    }

    /// The nodes whose results others may use.
    pub(crate) fn outputs(&self) -> Vec<usize> {
        match &self.part {
            Part::Node { node, .. } => vec![*node],
            Part::Group(group) => group.outputs.clone(),
        }
    }
}

fn nodes_of(part: &Part) -> Vec<usize> {
    match part {
        Part::Node { node, .. } => vec![*node],
        Part::Group(group) => group.members.iter().flat_map(|member| nodes_of(&member.part)).collect(),
    }
}

/// Whether a part of a name says where something stands, as the names that spaces give do.
fn is_place(part: &str) -> bool {
    let mut words = part.split('-');
    let Some(first) = words.next() else { return false };
    let numbers = words.clone().filter(|word| word.parse::<u64>().is_ok()).count();
    match first {
        _ if first.parse::<u64>().is_ok() => words.next().is_none(),
        "node" | "vertex" | "edge" | "input" | "branch" | "layer" => numbers > 0 && words.count() == numbers,
        "op" => words.collect::<Vec<_>>().get(1) == Some(&"from"),
        _ => false,
    }
}
