//! The skeleton: what a network does one after the other, with the shapes in between.

use archwright_space::{Network, Node, Op, Shape};

use super::svg::{Anchor, Canvas, TEXT, shortened, width};
use crate::ExportError;
use crate::hierarchy::{Group, Hierarchy, Member, Part, arguments};

const SMALL: f64 = 10.0;
const MAX_TEXT: f64 = 320.0;
const LEAST_WIDTH: f64 = 150.0;
const SPACE: f64 = 26.0;
/// Space between boxes and what stands beside them.
const BESIDE: f64 = 30.0;
/// Most operations of a part that are listed in it.
const LISTED: usize = 5;
/// Most entries of which links past others are drawn.
const LINKED: usize = 60;
const NODE_FILL: &str = "#ffffff";
const GROUP_FILL: &str = "#cfe2f3";
const AUXILIARY_FILL: &str = "#fff2cc";

/// One or more members of the network, drawn as a box.
struct Entry {
    title: String,
    detail: String,
    count: usize,
    /// The nodes whose results come out.
    outputs: Vec<usize>,
    /// The nodes whose results go in.
    inputs: Vec<usize>,
    shape: Shape,
    is_group: bool,
    auxiliary: bool,
}

/// Draws a network's skeleton from top to bottom.
pub(super) fn draw(network: &Network) -> Result<String, ExportError> {
    let shapes = network.shapes()?;
    let hierarchy = Hierarchy::of(network);
    let mut entries: Vec<Entry> = Vec::new();
    for member in &hierarchy.whole.members {
        let entry = entry(network, &hierarchy, &shapes, member);
        match entries.iter_mut().rev().find(|one| one.auxiliary == entry.auxiliary).filter(|one| fit(one, &entry)) {
            Some(before) => {
                if entry.is_group {
                    before.count += 1;
                } else {
                    before.title = format!("{}, {}", before.title, entry.title);
                }
                before.shape = entry.shape;
                before.inputs.extend(entry.inputs);
                before.outputs.extend(entry.outputs);
            }
            None => entries.push(entry),
        }
    }
    Ok(Picture::new(network, &shapes, entries).finish())
}

/// Whether an entry is drawn as one with the one before: repeats, and operations of one resolution.
fn fit(before: &Entry, entry: &Entry) -> bool {
    let follows = entry.inputs.iter().any(|input| before.outputs.contains(input));
    let resolution = |shape: Shape| match shape {
        Shape::Map { height, width, .. } => Some((height, width)),
        Shape::Vector(_) => None,
    };
    if entry.is_group {
        return follows
            && before.is_group
            && (&before.title, &before.detail, before.shape) == (&entry.title, &entry.detail, entry.shape);
    }
    let changes = resolution(before.shape).is_some() != resolution(entry.shape).is_some();
    follows && !before.is_group && !changes && resolution(before.shape) == resolution(entry.shape)
}

fn entry(network: &Network, hierarchy: &Hierarchy, shapes: &[Shape], member: &Member) -> Entry {
    let outputs = member.outputs();
    let shape = outputs.last().map_or(Shape::Vector(0), |output| shapes[*output]);
    let (title, detail) = match &member.part {
        Part::Node { node, .. } => (described(&network.nodes[*node]), String::new()),
        Part::Group(group) => (group_title(group), detail(network, group).unwrap_or_default()),
    };
    Entry {
        title,
        detail,
        count: 1,
        inputs: arguments(network, &hierarchy.same, &member.part),
        outputs,
        shape,
        is_group: matches!(member.part, Part::Group(_)),
        auxiliary: member.auxiliary,
    }
}

fn group_title(group: &Group) -> String {
    let name = group.names.last().map_or("part", String::as_str);
    let base = name.rsplit_once('-').filter(|(_, number)| number.parse::<u64>().is_ok()).map_or(name, |(base, _)| base);
    base.replace('_', " ")
}

/// The operations of a small part.
fn detail(network: &Network, group: &Group) -> Option<String> {
    let nodes = group.members.iter().map(|member| match &member.part {
        Part::Node { node, .. } if member.places.is_empty() => Some(described(&network.nodes[*node])),
        _ => None,
    });
    let nodes: Vec<String> = nodes.collect::<Option<_>>()?;
    (nodes.len() <= LISTED).then(|| nodes.join(", "))
}

/// An operation for a person.
fn described(node: &Node) -> String {
    let window = |kernel: [u32; 2], stride: [u32; 2]| {
        let stride = match stride {
            [1, 1] => String::new(),
            [rows, columns] if rows == columns => format!(" / {rows}"),
            [rows, columns] => format!(" / {rows}\u{d7}{columns}"),
        };
        format!("{}\u{d7}{}{stride}", kernel[0], kernel[1])
    };
    match &node.op {
        Op::Conv2d { kernel, stride, groups: 1, .. } => format!("conv {}", window(*kernel, *stride)),
        Op::Conv2d { kernel, stride, .. } => format!("grouped conv {}", window(*kernel, *stride)),
        Op::MaxPool { kernel, stride, .. } => format!("max pool {}", window(*kernel, *stride)),
        Op::AvgPool { kernel, stride, .. } => format!("avg pool {}", window(*kernel, *stride)),
        op => op.name().replace('-', " "),
    }
}

fn shape_text(shape: Shape) -> String {
    match shape {
        Shape::Map { channels, height, width } => format!("{channels} \u{d7} {height} \u{d7} {width}"),
        Shape::Vector(length) => length.to_string(),
    }
}

struct Picture {
    canvas: Canvas,
    entries: Vec<Entry>,
    /// Top and bottom of each entry's box.
    spans: Vec<[f64; 2]>,
    width: f64,
    input: usize,
}

impl Picture {
    fn new(network: &Network, shapes: &[Shape], mut entries: Vec<Entry>) -> Self {
        for entry in &mut entries {
            if entry.count > 1 {
                entry.title = format!("{} \u{d7} {}", entry.title, entry.count);
            }
            entry.title = shortened(&entry.title, TEXT, MAX_TEXT);
            entry.detail = shortened(&entry.detail, SMALL, MAX_TEXT);
        }
        let input = Entry {
            title: network.nodes.first().map_or("input", |node| node.op.name()).to_owned(),
            detail: String::new(),
            count: 1,
            outputs: vec![0],
            inputs: Vec::new(),
            shape: shapes.first().copied().unwrap_or(Shape::Vector(0)),
            is_group: false,
            auxiliary: false,
        };
        entries.insert(0, input);
        let widest = entries
            .iter()
            .map(|entry| width(&entry.title, TEXT).max(width(&entry.detail, SMALL)) + 24.0)
            .fold(LEAST_WIDTH, f64::max);
        Self { canvas: Canvas::default(), entries, spans: Vec::new(), width: widest, input: 0 }
    }

    fn finish(mut self) -> String {
        let mut top = 0.0;
        let mut beside_bottom = f64::MIN;
        for index in 0..self.entries.len() {
            let entry = &self.entries[index];
            let height = if entry.detail.is_empty() { 28.0 } else { 42.0 };
            if entry.auxiliary {
                // Beside the box that it looks at, below other heads.
                let from = self.source(index).unwrap_or(self.input);
                let [above, below] = self.spans[from];
                let centre = f64::midpoint(above, below).max(beside_bottom + height / 2.0 + 10.0);
                beside_bottom = centre + height / 2.0;
                self.spans.push([centre - height / 2.0, centre + height / 2.0]);
            } else {
                self.spans.push([top, top + height]);
                top += height + SPACE;
            }
        }
        self.lines();
        for index in 0..self.entries.len() {
            self.entry(index);
        }
        self.canvas.finish("skeleton")
    }

    /// The latest entry that an entry takes a result of.
    fn source(&self, index: usize) -> Option<usize> {
        let inputs = &self.entries[index].inputs;
        (0..index).rev().find(|one| self.entries[*one].outputs.iter().any(|output| inputs.contains(output)))
    }

    fn x_of(&self, index: usize) -> f64 {
        if self.entries[index].auxiliary { self.right() + 2.0 * BESIDE + self.box_width(index) / 2.0 } else { 0.0 }
    }

    /// Where boxes and shapes end.
    fn right(&self) -> f64 {
        (self.width / 2.0).max(8.0 + self.shapes_width())
    }

    /// Room for the shapes beside the boxes.
    fn shapes_width(&self) -> f64 {
        self.entries.iter().map(|entry| width(&shape_text(entry.shape), SMALL)).fold(0.0, f64::max)
    }

    fn lines(&mut self) {
        let main: Vec<usize> = (0..self.entries.len()).filter(|index| !self.entries[*index].auxiliary).collect();
        let linked = main.len() <= LINKED;
        let mut passing = 0;
        for (place, index) in main.iter().enumerate() {
            let inputs = &self.entries[*index].inputs;
            for (before, other) in main[..place].iter().enumerate() {
                if !self.entries[*other].outputs.iter().any(|output| inputs.contains(output)) {
                    continue;
                }
                let ([_, from], [to, _]) = (self.spans[*other], self.spans[*index]);
                if before + 1 == place {
                    self.canvas.line(&[[0.0, from], [0.0, to]], false, true);
                } else if linked {
                    // Around the boxes in between, on the left.
                    let out = -self.width / 2.0 - 12.0 - 8.0 * f64::from(passing % 3);
                    let edge = -self.width / 2.0;
                    let start = f64::midpoint(self.spans[*other][0], from) + 4.0;
                    let end = f64::midpoint(to, self.spans[*index][1]) - 4.0;
                    self.canvas.line(&[[edge, start], [out, start], [out, end], [edge, end]], true, true);
                    passing += 1;
                }
            }
        }
        for index in 0..self.entries.len() {
            if let (true, Some(from)) = (self.entries[index].auxiliary, self.source(index))
                && !self.entries[from].auxiliary
            {
                let y = |index: usize| f64::midpoint(self.spans[index][0], self.spans[index][1]);
                let end = self.x_of(index) - self.box_width(index) / 2.0;
                let start = self.width / 2.0;
                let turn = self.right() + BESIDE;
                let [from, to] = [y(from), y(index)];
                self.canvas.line(&[[start, from], [turn, from], [turn, to], [end, to]], true, true);
            }
        }
    }

    fn box_width(&self, index: usize) -> f64 {
        if self.entries[index].auxiliary { self.width.min(LEAST_WIDTH.max(self.text_width(index))) } else { self.width }
    }

    fn text_width(&self, index: usize) -> f64 {
        let entry = &self.entries[index];
        width(&entry.title, TEXT).max(width(&entry.detail, SMALL)) + 24.0
    }

    fn entry(&mut self, index: usize) {
        let [top, bottom] = self.spans[index];
        let entry = &self.entries[index];
        let fill = match (entry.auxiliary, entry.is_group) {
            (true, _) => AUXILIARY_FILL,
            (false, true) => GROUP_FILL,
            (false, false) => NODE_FILL,
        };
        let (x, y, width) = (self.x_of(index), f64::midpoint(top, bottom), self.box_width(index));
        self.canvas.rectangle([x, y], [width, bottom - top], fill);
        let raised = if entry.detail.is_empty() { 0.0 } else { 7.0 };
        self.canvas.text([x, y - raised], TEXT, Anchor::Middle, &entry.title, "");
        if !entry.detail.is_empty() {
            self.canvas.text([x, y + 9.0], SMALL, Anchor::Middle, &entry.detail, "");
        }
        // Where the result leaves the box.
        let place = [x + 8.0, bottom + SPACE / 2.0];
        if !entry.auxiliary {
            let is_last = self.entries[index + 1..].iter().all(|entry| entry.auxiliary);
            let shape = shape_text(entry.shape) + if is_last { " scores" } else { "" };
            self.canvas.text(place, SMALL, Anchor::Start, &shape, "");
        }
    }
}
