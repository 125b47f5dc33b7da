//! Classes with open places: parts of a network that differ in numbers alone share a class, whose parameters are these
//! numbers.

use super::names::{Names, snake};

/// What a number is. Equal numbers of different kinds are a coincidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Channels,
    Features,
    Kernel,
    Stride,
    Padding,
    Dilation,
    Groups,
}

/// Which channels a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    In,
    Out,
    Both,
    Neutral,
}

/// A number in a constructor.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    /// The attribute that it is for.
    attribute: String,
    kind: Kind,
    role: Role,
    /// As Python writes it.
    pub(super) value: String,
}

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    /// The number of a slot with what stands before it; left out with it where it is always the default.
    Slot {
        before: String,
        slot: usize,
        default: Option<String>,
    },
}

/// Text with numbers that are still open.
#[derive(Clone, Debug, Default)]
pub(super) struct Template {
    pieces: Vec<Piece>,
    pub(super) slots: Vec<Slot>,
}

impl Template {
    pub(super) fn text(&mut self, text: &str) {
        self.pieces.push(Piece::Text(text.to_owned()));
    }

    pub(super) fn slot(
        &mut self,
        attribute: &str,
        before: &str,
        kind: Kind,
        role: Role,
        value: String,
        default: Option<&str>,
    ) {
        let slot = self.slots.len();
        self.pieces.push(Piece::Slot { before: before.to_owned(), slot, default: default.map(str::to_owned) });
        self.slots.push(Slot { attribute: attribute.to_owned(), kind, role, value });
    }

    /// Equal for templates that differ in numbers alone.
    pub(super) fn key(&self) -> String {
        let kinds: Vec<Kind> = self.slots.iter().map(|slot| slot.kind).collect();
        format!("{:?}{kinds:?}", self.pieces)
    }

    /// The text with all numbers filled in.
    fn fill(&self, settled: &[Settled], parameters: &[Parameter]) -> String {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(plain) => text.push_str(plain),
                Piece::Slot { before, slot, default } => {
                    let value = match &settled[*slot] {
                        Settled::Literal(value) => value,
                        Settled::Parameter(index) => &parameters[*index].name,
                    };
                    if default.as_ref() != Some(value) {
                        text.push_str(before);
                        text.push_str(value);
                    }
                }
            }
        }
        text
    }
}

/// A parameter of a class.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    kind: Kind,
    role: Role,
    /// A slot that has its value.
    slot: usize,
    positional: bool,
}

/// What stands in a slot's place.
#[derive(Clone, Debug)]
enum Settled {
    Literal(String),
    Parameter(usize),
}

/// A Python class.
#[derive(Debug)]
pub(super) struct Class {
    pub(super) name: String,
    pub(super) about: String,
    template: Template,
    /// Name of the method that computes it.
    pub(super) method: &'static str,
    /// Lines of this method.
    pub(super) forward: Vec<String>,
    /// Further methods.
    pub(super) methods: String,
    /// The ports' names.
    pub(super) inputs: Vec<String>,
    /// The slots' values, for each part of the network that is of this class.
    pub(super) instances: Vec<Vec<String>>,
    settled: Vec<Settled>,
    pub(super) parameters: Vec<Parameter>,
}

impl Class {
    pub(super) fn new(
        name: String,
        about: String,
        template: Template,
        forward: Vec<String>,
        inputs: Vec<String>,
    ) -> Self {
        Self {
            name,
            about,
            template,
            method: "forward",
            forward,
            methods: String::new(),
            inputs,
            instances: Vec::new(),
            settled: Vec::new(),
            parameters: Vec::new(),
        }
    }

    /// Finds out which numbers differ between instances, and makes them parameters.
    pub(super) fn settle(&mut self) {
        let slots = &self.template.slots;
        let column = |slot: usize| -> Vec<&str> { self.instances.iter().map(|values| &*values[slot]).collect() };
        let mut found: Vec<(Kind, Vec<&str>, Vec<usize>)> = Vec::new();
        for (index, slot) in slots.iter().enumerate() {
            let values = column(index);
            if values.iter().all(|value| *value == values[0]) {
                continue;
            }
            match found.iter_mut().find(|(kind, known, _)| *kind == slot.kind && *known == values) {
                Some((_, _, members)) => members.push(index),
                None => found.push((slot.kind, values, vec![index])),
            }
        }
        let mut open: Vec<(Vec<usize>, Parameter)> = found
            .into_iter()
            .map(|(kind, _, members)| {
                let role = role(members.iter().map(|member| slots[*member].role));
                let slot = members[0];
                (members, Parameter { name: plain_name(kind, role).to_owned(), kind, role, slot, positional: false })
            })
            .collect();
        open.sort_by_key(|(_, one)| (one.kind, one.role == Role::Out));
        name_parameters(&mut open, slots);
        self.settled = (0..slots.len())
            .map(|slot| {
                let parameter = open.iter().position(|(members, _)| members.contains(&slot));
                parameter.map_or_else(|| Settled::Literal(slots[slot].value.clone()), Settled::Parameter)
            })
            .collect();
        self.parameters = open.into_iter().map(|(_, parameter)| parameter).collect();
    }

    /// Adds the call that makes an instance to another class's constructor.
    pub(super) fn call(&self, template: &mut Template, attribute: &str, instance: usize) {
        template.text(&format!("{}(", self.name));
        for (index, parameter) in self.parameters.iter().enumerate() {
            let mut before = if index == 0 { String::new() } else { ", ".to_owned() };
            if !parameter.positional {
                before.push_str(&parameter.name);
                before.push('=');
            }
            let value = self.instances[instance][parameter.slot].clone();
            template.slot(attribute, &before, parameter.kind, parameter.role, value, None);
        }
        template.text(")");
    }

    /// The class in Python.
    pub(super) fn text(&self) -> String {
        let parameters: String = self.parameters.iter().map(|one| format!(", {}", one.name)).collect();
        let constructor = self.template.fill(&self.settled, &self.parameters);
        let constructor = if constructor.is_empty() {
            String::new()
        } else {
            format!("\n    def __init__(self{parameters}):\n        super().__init__()\n{constructor}")
        };
        let inputs: String = self.inputs.iter().map(|input| format!(", {input}")).collect();
        let forward: String = self.forward.iter().map(|line| format!("        {line}\n")).collect();
        let Self { name, about, method, methods, .. } = self;
        format!(
            "class {name}(nn.Module):\n    \"\"\"{about}\"\"\"\n{constructor}\n    \
             def {method}(self{inputs}):\n{forward}{methods}"
        )
    }
}

fn role(roles: impl Iterator<Item = Role>) -> Role {
    roles.fold(Role::Neutral, |known, role| match (known, role) {
        (known, Role::Neutral) => known,
        (Role::Neutral, role) => role,
        (known, role) if known == role => known,
        _ => Role::Both,
    })
}

fn plain_name(kind: Kind, role: Role) -> &'static str {
    match (kind, role) {
        (Kind::Channels, Role::In) => "in_channels",
        (Kind::Channels, Role::Out) => "out_channels",
        (Kind::Channels, _) => "channels",
        (Kind::Features, _) => "features",
        (Kind::Kernel, _) => "kernel_size",
        (Kind::Stride, _) => "stride",
        (Kind::Padding, _) => "padding",
        (Kind::Dilation, _) => "dilation",
        (Kind::Groups, _) => "groups",
    }
}

/// Tells parameters of the same name apart by what they are for.
fn name_parameters(open: &mut [(Vec<usize>, Parameter)], slots: &[Slot]) {
    let channels = open.iter().filter(|(_, one)| one.kind == Kind::Channels).count();
    let names: Vec<String> = open.iter().map(|(_, one)| one.name.clone()).collect();
    let mut taken = Names::lower();
    for (members, parameter) in open {
        parameter.positional = parameter.kind == Kind::Channels && channels <= 2;
        let alone = names.iter().filter(|name| **name == parameter.name).count() == 1;
        let name = if alone {
            parameter.name.clone()
        } else {
            let whose = slots[members[0]].attribute.replace('.', "_");
            snake(&format!("{whose}_{}", parameter.name))
        };
        parameter.name = taken.claim(&name);
    }
}
