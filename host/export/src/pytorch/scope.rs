//! One group as the body of a Python class.

use std::collections::HashMap;

use archwright_space::{Network, Node, Op, Shape};

use super::names::{Names, place, snake, without_number};
use super::ops;
use super::steps::{Step, steps, uses};
use super::template::{Class, Template};
use crate::ExportError;
use crate::hierarchy::{Group, Hierarchy, Member, Part};

/// Which class a group is of, and which of its instances.
#[derive(Clone, Copy, Debug)]
pub(super) struct Instance {
    pub(super) class: usize,
    pub(super) index: usize,
}

/// What groups have become so far.
#[derive(Default)]
pub(super) struct Classes {
    pub(super) all: Vec<Class>,
    pub(super) instances: HashMap<usize, Instance>,
}

impl Classes {
    pub(super) fn of(&self, group: &Group) -> Option<Instance> {
        self.instances.get(&address(group)).copied()
    }
}

/// Tells groups apart.
pub(super) fn address(group: &Group) -> usize {
    std::ptr::from_ref(group).addr()
}

/// The body of a class.
pub(super) struct Body {
    pub(super) template: Template,
    pub(super) forward: Vec<String>,
    pub(super) inputs: Vec<String>,
    /// Where nodes and groups with weights are to be found.
    pub(super) attributes: Vec<(String, Target)>,
}

/// What an attribute is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target {
    Node(usize),
    /// By its address.
    Group(usize),
}

/// What an attribute can be called.
struct Label {
    place: Option<String>,
    name: String,
}

impl Label {
    fn short(&self) -> &str {
        self.place.as_deref().unwrap_or(&self.name)
    }

    fn long(&self) -> String {
        self.place.as_ref().map_or_else(|| self.name.clone(), |place| format!("{place}_{}", self.name))
    }
}

/// A result within the group: a port, or a node that a member computes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Value {
    Port(usize),
    Node(usize),
}

pub(super) struct Scope<'a> {
    pub(super) network: &'a Network,
    pub(super) shapes: &'a [Shape],
    pub(super) hierarchy: &'a Hierarchy,
    pub(super) classes: &'a Classes,
    pub(super) group: &'a Group,
    /// Whether the group is the network.
    pub(super) whole: bool,
}

/// Variables while a method is written.
struct Variables {
    names: HashMap<Value, String>,
    /// The step after which a value is not needed any more.
    last_use: HashMap<Value, usize>,
    reserved: Names,
    /// The attribute whose weights others share.
    embedding: Option<String>,
}

impl Variables {
    fn get(&self, value: &Value) -> String {
        self.names.get(value).cloned().unwrap_or_else(|| "x".into())
    }

    /// Names a value, so that no other value is lost that is needed after the step.
    fn set(&mut self, value: &Value, wanted: &str, step: usize) -> String {
        let free = |name: &str| {
            let kept = |(value, its): (&Value, &String)| {
                its == name && self.last_use.get(value).is_some_and(|last| *last > step)
            };
            self.reserved.is_free(name) && !self.names.iter().any(kept)
        };
        let numbered = (2..).map(|number: u64| format!("{wanted}_{number}"));
        let name = std::iter::once(wanted.to_owned()).chain(numbered).find(|name| free(name));
        let name = name.unwrap_or_else(|| wanted.to_owned());
        self.names.retain(|_, its| *its != name);
        self.names.insert(value.clone(), name.clone());
        name
    }
}

impl Scope<'_> {
    pub(super) fn body(&self) -> Result<Body, ExportError> {
        let class = |group: &Group| self.classes.of(group).map(|instance| instance.class);
        let steps = steps(self.group, &class, &uses(self.network, self.hierarchy, self.group));
        let attributes = self.attributes(&steps);
        let (mut template, mut places) = (Template::default(), Vec::new());
        let drops = |step: &Step<'_>| match step {
            Step::One(Member { part: Part::Node { node, .. }, .. }) => {
                matches!(self.network.nodes[*node].op, Op::DropPath)
            }
            _ => false,
        };
        for (step, attribute) in steps.iter().zip(&attributes) {
            if let Some(attribute) = attribute {
                self.construct(step, attribute, &mut template, &mut places);
            }
        }
        if steps.iter().any(drops) {
            template.text("        self.drop_path = DropPath()\n");
        }
        let (inputs, forward) = self.forward(&steps, &attributes)?;
        Ok(Body { template, forward, inputs, attributes: places })
    }

    /// Names of the attributes that steps need: their places, or else their names, as long as that tells them apart.
    fn attributes(&self, steps: &[Step<'_>]) -> Vec<Option<String>> {
        let labels: Vec<Option<Label>> = steps.iter().map(|step| self.label(step)).collect();
        let known = || labels.iter().flatten();
        let mut names = Names::lower();
        let mut numbers: HashMap<String, usize> = HashMap::new();
        labels
            .iter()
            .map(|label| {
                let label = label.as_ref()?;
                let short = label.short();
                if known().filter(|one| one.short() == short).count() == 1 {
                    return Some(names.claim(short));
                }
                let long = label.long();
                if known().filter(|one| one.long() == long).count() == 1 {
                    return Some(names.claim(&long));
                }
                let number = numbers.entry(long.clone()).or_insert(0);
                *number += 1;
                // `conv1` as is usual; but `normal_1`.
                let separator = if ops::is_label(&long) { "" } else { "_" };
                Some(names.claim(&format!("{long}{separator}{number}")))
            })
            .collect()
    }

    /// Place and name of a step that needs an attribute.
    fn label(&self, step: &Step<'_>) -> Option<Label> {
        let member = *step.members().first()?;
        let label = match (&member.part, step) {
            (Part::Group(group), Step::One(_)) => group_name(group),
            (Part::Group(group), _) => {
                let name = group_name(group);
                if name.ends_with("cell") || name.ends_with("layer") || name.ends_with("block") {
                    format!("{name}s")
                } else {
                    format!("{name}_cells")
                }
            }
            (Part::Node { node, names }, _) => {
                let (label, is_module) = ops::label(&self.network.nodes[*node].op);
                if !is_module {
                    return None;
                }
                self.own_name(*node, names).unwrap_or_else(|| label.to_owned())
            }
        };
        Some(Label { place: place(&member.places), name: label })
    }

    /// The name that a node was given, where it is not just its operation's.
    fn own_name(&self, node: usize, names: &[String]) -> Option<String> {
        let node = &self.network.nodes[node];
        let last = node.name.rsplit('/').next().unwrap_or(&node.name);
        let given = names.first().map(String::as_str).or_else(|| (!last.starts_with(node.op.name())).then_some(last));
        given.map(snake)
    }

    fn construct(&self, step: &Step<'_>, attribute: &str, template: &mut Template, places: &mut Vec<(String, Target)>) {
        template.text(&format!("        self.{attribute} = "));
        let members = step.members();
        if let (Step::One(_), Some(Member { part: Part::Node { node, .. }, .. })) = (step, members.first()) {
            let input = self.shapes[self.network.nodes[*node].inputs.first().copied().unwrap_or(0)];
            let steps = self.hierarchy.sequence.is_some();
            ops::constructor(template, attribute, &self.network.nodes[*node].op, input, steps);
            template.text("\n");
            places.push((attribute.to_owned(), Target::Node(*node)));
            return;
        }
        let groups: Vec<(&Group, Instance)> = members
            .iter()
            .filter_map(|member| match &member.part {
                Part::Group(group) => Some((group, self.classes.of(group)?)),
                Part::Node { .. } => None,
            })
            .collect();
        let class = |instance: Instance| &self.classes.all[instance.class];
        if let (Step::One(_), [(group, instance)]) = (step, &groups[..]) {
            class(*instance).call(template, attribute, instance.index);
            template.text("\n");
            places.push((attribute.to_owned(), Target::Group(address(group))));
            return;
        }
        places.extend(
            groups
                .iter()
                .enumerate()
                .map(|(index, (group, _))| (format!("{attribute}.{index}"), Target::Group(address(group)))),
        );
        let is_chain = matches!(step, Step::Chain(_));
        template.text(if is_chain { "nn.Sequential(" } else { "nn.ModuleList(" });
        let values = |instance: Instance| &class(instance).instances[instance.index];
        let alike = groups.windows(2).all(|pair| values(pair[0].1) == values(pair[1].1));
        let (open, close) = if is_chain { ("", "") } else { ("[", "]") };
        match groups.first() {
            Some((_, first)) if alike => {
                template.text(if is_chain { "*(" } else { open });
                class(*first).call(template, attribute, first.index);
                template.text(&format!(" for _ in range({})", groups.len()));
                template.text(if is_chain { ")" } else { close });
            }
            _ => {
                template.text(open);
                for (_, instance) in &groups {
                    template.text("\n            ");
                    class(*instance).call(template, attribute, instance.index);
                    template.text(",");
                }
                template.text(&format!("\n        {close}"));
            }
        }
        template.text(")\n");
    }

    /// Names of the inputs, and the lines of `forward`.
    fn forward(
        &self,
        steps: &[Step<'_>],
        attributes: &[Option<String>],
    ) -> Result<(Vec<String>, Vec<String>), ExportError> {
        let inputs = self.inputs();
        let mut variables = Variables {
            names: inputs.iter().enumerate().map(|(port, name)| (Value::Port(port), name.clone())).collect(),
            last_use: self.last_uses(steps),
            reserved: Names::lower(),
            embedding: steps.iter().zip(attributes).find_map(|(step, attribute)| match step.members() {
                [Member { part: Part::Node { node, .. }, .. }]
                    if matches!(self.network.nodes[*node].op, Op::Embedding { .. }) =>
                {
                    attribute.clone()
                }
                _ => None,
            }),
        };
        let mut lines = Vec::new();
        let mut training = false;
        for (index, (step, attribute)) in steps.iter().zip(attributes).enumerate() {
            let auxiliary = step.members().iter().all(|member| member.auxiliary);
            if auxiliary && !training {
                lines.push("if self.training:".to_owned());
            }
            training = auxiliary;
            for line in self.statements(index, step, attribute.as_deref(), &mut variables)? {
                let line = if auxiliary { format!("    {line}") } else { line };
                match merged(lines.last(), &line) {
                    Some(both) => {
                        lines.pop();
                        lines.push(both);
                    }
                    None => lines.push(line),
                }
            }
        }
        if let (true, Some(sequence)) = (self.whole, &self.hierarchy.sequence) {
            let ends = std::iter::once(self.hierarchy.output).chain(sequence.states.iter().map(|state| state.next));
            let results: Vec<String> = ends.map(|node| variables.get(&self.value(None, node))).collect();
            lines.push(format!("return {}", results.join(", ")));
        } else if self.whole {
            let heads: Vec<String> =
                self.hierarchy.heads.iter().map(|node| variables.get(&self.value(None, *node))).collect();
            let scores = variables.get(&self.value(None, self.hierarchy.output));
            match &heads[..] {
                [] => {}
                [head] => lines.push(format!("if self.training:\n            return {scores}, {head}")),
                heads => lines.push(format!("if self.training:\n            return {scores}, [{}]", heads.join(", "))),
            }
            lines.push(format!("return {scores}"));
        } else {
            let outputs: Vec<String> =
                self.group.outputs.iter().map(|node| variables.get(&self.value(None, *node))).collect();
            let result = outputs.join(", ");
            match lines.pop() {
                Some(last) if last.starts_with(&format!("{result} = ")) => {
                    lines.push(last.replacen(&format!("{result} = "), "return ", 1));
                }
                last => {
                    lines.extend(last);
                    lines.push(format!("return {result}"));
                }
            }
        }
        Ok((inputs, lines))
    }

    /// Names of what the method takes.
    fn inputs(&self) -> Vec<String> {
        if !self.whole {
            let ports = self.group.ports.len();
            return if ports == 1 { vec!["x".into()] } else { (0..ports).map(|port| format!("x{port}")).collect() };
        }
        let states = self.hierarchy.sequence.iter().flat_map(|sequence| &sequence.states);
        std::iter::once("x".to_owned()).chain(states.map(|state| format!("state_{}", state.slot))).collect()
    }

    /// The value that a member sees as a node's result.
    fn value(&self, member: Option<&Member>, node: usize) -> Value {
        if self.whole {
            let states = self.hierarchy.sequence.iter().flat_map(|sequence| &sequence.states);
            let given = std::iter::once(0).chain(states.map(|state| state.node));
            return given
                .zip(0..)
                .find(|(one, _)| *one == node)
                .map_or(Value::Node(node), |(_, port)| Value::Port(port));
        }
        let input = member.and_then(Member::input);
        let ports = || self.group.ports.iter().enumerate().filter(|(_, port)| port.node == node);
        let port = ports().find(|(_, port)| port.input == input).or_else(|| ports().next());
        port.map_or(Value::Node(node), |(port, _)| Value::Port(port))
    }

    fn arguments(&self, member: &Member) -> Vec<Value> {
        let nodes = crate::hierarchy::arguments(self.network, &self.hierarchy.same, &member.part);
        nodes.into_iter().map(|node| self.value(Some(member), node)).collect()
    }

    fn last_uses(&self, steps: &[Step<'_>]) -> HashMap<Value, usize> {
        let mut last = HashMap::new();
        for (index, step) in steps.iter().enumerate() {
            for value in step.members().iter().flat_map(|member| self.arguments(member)) {
                last.insert(value, index);
            }
        }
        let ends: &[usize] = &self.group.outputs;
        ends.iter().for_each(|node| {
            last.insert(self.value(None, *node), usize::MAX);
        });
        last
    }

    fn statements(
        &self,
        index: usize,
        step: &Step<'_>,
        attribute: Option<&str>,
        variables: &mut Variables,
    ) -> Result<Vec<String>, ExportError> {
        let members = step.members();
        let (Some(first), Some(last)) = (members.first(), members.last()) else { return Ok(Vec::new()) };
        let values = self.arguments(first);
        let mut names: Vec<String> = values.iter().map(|value| variables.get(value)).collect();
        if let (Part::Node { node, .. }, Some(embedding)) = (&first.part, &variables.embedding)
            && matches!(self.network.nodes[*node].op, Op::TiedLinear { .. })
        {
            names.push(format!("self.{embedding}.weight"));
        }
        if let (Step::Pairs(_), [one, other]) = (step, &names[..]) {
            return Ok(self.pairs(index, members, attribute.unwrap_or("cells"), [one, other], variables));
        }
        let expression = match (&first.part, attribute) {
            (Part::Node { node, .. }, attribute) => {
                let node = &self.network.nodes[*node];
                let input = self.shapes[node.inputs.first().copied().unwrap_or(0)];
                ops::expression(node, attribute, &names, input)?
            }
            (Part::Group(_), attribute) => format!("self.{}({})", attribute.unwrap_or("part"), names.join(", ")),
        };
        // A chain of single results keeps one name.
        let dies = |value: &Value| variables.last_use.get(value).is_none_or(|last| *last <= index);
        let same = values.windows(2).all(|pair| pair[0] == pair[1]);
        // Layers follow each other; other places stand side by side.
        let beside = place(&first.places).filter(|place| !place.starts_with("layer_"));
        let is_features = self.whole && gives_features(&first.part, &self.network.nodes);
        let wanted = match (beside, values.first()) {
            (Some(place), _) => place,
            (None, Some(value)) if same && dies(value) && !is_features => variables.get(value),
            _ if is_features => "x".to_owned(),
            _ => attribute.map_or_else(|| self.result_name(first), str::to_owned),
        };
        let outputs = last.outputs();
        let results: Vec<String> =
            outputs.iter().map(|node| variables.set(&Value::Node(*node), &wanted, index)).collect();
        let shape = outputs.first().filter(|_| self.whole).map(|node| format!("  # {}", shape(self.shapes[*node])));
        Ok(vec![format!("{} = {expression}{}", results.join(", "), shape.unwrap_or_default())])
    }

    fn result_name(&self, member: &Member) -> String {
        match &member.part {
            Part::Group(group) => group_name(group),
            Part::Node { node, names } => {
                self.own_name(*node, names).unwrap_or_else(|| ops::label(&self.network.nodes[*node].op).0.to_owned())
            }
        }
    }

    /// A loop over members each of which takes the results of the two before.
    fn pairs(
        &self,
        index: usize,
        members: &[&Member],
        attribute: &str,
        [one, other]: [&String; 2],
        variables: &mut Variables,
    ) -> Vec<String> {
        let outputs: Vec<usize> = members.iter().flat_map(|member| member.outputs()).collect();
        let (Some(before), Some(last)) = (outputs.len().checked_sub(2).map(|place| outputs[place]), outputs.last())
        else {
            return Vec::new();
        };
        let mut lines = Vec::new();
        let older = variables.set(&Value::Node(before), "s0", index);
        let newer = variables.set(&Value::Node(*last), "s1", index);
        if (one, other) != (&older, &newer) {
            lines.push(format!("{older}, {newer} = {one}, {other}"));
        }
        lines.push(format!("for cell in self.{attribute}:"));
        let shape = if self.whole { format!("  # {}", shape(self.shapes[*last])) } else { String::new() };
        lines.push(format!("    {older}, {newer} = {newer}, cell({older}, {newer}){shape}"));
        lines
    }
}

/// Two lines as one, where the second one drops paths of what the first one computes.
fn merged(before: Option<&String>, line: &str) -> Option<String> {
    let (target, call) = line.split_once(" = ")?;
    let argument = call.strip_prefix("self.drop_path(")?.strip_suffix(')')?;
    let (given, expression) = before?.split_once(" = ")?;
    (given == target && argument == target.trim_start()).then(|| format!("{target} = self.drop_path({expression})"))
}

/// What an attribute or a result of a group is called.
fn group_name(group: &Group) -> String {
    snake(without_number(group.names.first().map_or("part", String::as_str)))
}

/// Whether a part turns maps into the vectors that a network's end works on.
fn gives_features(part: &Part, nodes: &[Node]) -> bool {
    match part {
        Part::Node { node, .. } => matches!(nodes[*node].op, Op::GlobalAvgPool | Op::Flatten),
        Part::Group(_) => false,
    }
}

/// A shape for a person.
pub(super) fn shape(shape: Shape) -> String {
    match shape {
        Shape::Map { channels, height, width } => format!("{channels} x {height} x {width}"),
        Shape::Vector(length) => length.to_string(),
    }
}
