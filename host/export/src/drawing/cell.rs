//! A cell: its vertices, and its operations between them.

use archwright_space::CellGraph;

use super::layout::{Graph, Layout};
use super::svg::{Anchor, Canvas, TEXT, shortened, width};

const BOX_HEIGHT: f64 = 24.0;
const VERTEX: f64 = 34.0;
const SPACE: f64 = 34.0;
/// Widest text in a box.
const MAX_TEXT: f64 = 220.0;
/// Fills of operations, told apart also in grey.
const FILLS: [&str; 8] = ["#cfe2f3", "#fce5cd", "#d9ead3", "#ead1dc", "#fff2cc", "#d0e0e3", "#d9d2e9", "#f4cccc"];
const INPUT_FILL: &str = "#dddddd";
const VERTEX_FILL: &str = "#ffffff";

/// Draws a cell from left to right. Vertices that nothing reaches, or that reach no output, are left out.
pub(super) fn draw(cell: &CellGraph) -> String {
    let cell = &living(cell);
    let joins = cell.outputs.as_slice() != [cell.vertices.saturating_sub(1)];
    let vertices = cell.vertices + usize::from(joins);
    let mut layers = vertex_layers(cell, joins);
    let mut sizes: Vec<[f64; 2]> = (0..vertices)
        .map(|vertex| {
            let (text, below) = label(cell, vertex, joins);
            let text = width(&text, TEXT) + width(&below, TEXT * 0.75);
            [VERTEX.max(text + 16.0), VERTEX]
        })
        .collect();
    let mut edges = Vec::new();
    let mut operations = Vec::new();
    for (from, to, operation) in &cell.edges {
        let name = cell.operations.get(*operation).map_or("?", String::as_str);
        let text = shortened(name, TEXT, MAX_TEXT);
        let place = sizes.len();
        sizes.push([width(&text, TEXT) + 18.0, BOX_HEIGHT]);
        // An odd layer near the middle: vertices have the even ones.
        layers.push(f64::midpoint(layers[*from] as f64, layers[*to] as f64) as usize / 2 * 2 + 1);
        edges.push((*from, place));
        edges.push((place, *to));
        operations.push((place, text, *operation));
    }
    if joins {
        edges.extend(cell.outputs.iter().map(|output| (*output, vertices - 1)));
    }
    let graph = Graph { sizes, layers, edges };
    let Layout { centres, routes } = graph.layout(SPACE);
    let mut canvas = Canvas::default();
    for ((_, to), route) in graph.edges.iter().zip(&routes) {
        canvas.line(route, true, *to < vertices);
    }
    for (place, text, operation) in &operations {
        canvas.rectangle(centres[*place], graph.sizes[*place], FILLS[operation % FILLS.len()]);
        canvas.text(centres[*place], TEXT, Anchor::Middle, text, "");
    }
    let used = |vertex: &usize| graph.edges.iter().any(|(from, to)| from == vertex || to == vertex);
    let is_kept = |vertex: &usize| *vertex < cell.inputs || *vertex + 1 == vertices || used(vertex);
    for vertex in (0..vertices).filter(is_kept) {
        let is_end = vertex < cell.inputs || vertex + 1 == vertices;
        canvas.ellipse(centres[vertex], graph.sizes[vertex], if is_end { INPUT_FILL } else { VERTEX_FILL });
        let (text, below) = label(cell, vertex, joins);
        canvas.text(centres[vertex], TEXT, Anchor::Middle, &text, &below);
    }
    canvas.finish(&format!("cell {}", cell.name))
}

/// A cell without what its inputs do not reach and what does not reach its outputs. Vertices keep their numbers: the
/// left out ones have no edges.
fn living(cell: &CellGraph) -> CellGraph {
    let mut reached: Vec<bool> = (0..cell.vertices).map(|vertex| vertex < cell.inputs).collect();
    for vertex in cell.inputs..cell.vertices {
        reached[vertex] = cell.edges.iter().any(|(from, to, _)| *to == vertex && reached[*from]);
    }
    let mut reaching: Vec<bool> = (0..cell.vertices).map(|vertex| cell.outputs.contains(&vertex)).collect();
    for vertex in (0..cell.vertices).rev() {
        reaching[vertex] |= cell.edges.iter().any(|(from, to, _)| *from == vertex && reaching[*to]);
    }
    let edges = cell.edges.iter().filter(|(from, to, _)| reached[*from] && reaching[*to]).copied().collect();
    CellGraph { edges, ..cell.clone() }
}

/// Layers of the vertices, two for each step of the longest path: inputs come first, the output last.
fn vertex_layers(cell: &CellGraph, joins: bool) -> Vec<usize> {
    let mut layers = vec![0; cell.vertices];
    for vertex in cell.inputs..cell.vertices {
        let before = cell.edges.iter().filter(|(_, to, _)| *to == vertex).map(|(from, _, _)| layers[*from]);
        layers[vertex] = before.max().unwrap_or(0) + 2;
    }
    let last = layers.iter().copied().max().unwrap_or(0);
    if joins {
        layers.push(last + 2);
    } else if let Some(output) = layers.last_mut() {
        *output = last.max(2);
    }
    layers
}

/// What a vertex is called: text and subscript.
fn label(cell: &CellGraph, vertex: usize, joins: bool) -> (String, String) {
    let vertices = cell.vertices + usize::from(joins);
    if vertex + 1 == vertices {
        return ("c".into(), "k".into());
    }
    if vertex < cell.inputs {
        return ("c".into(), format!("k-{}", cell.inputs - vertex));
    }
    ((vertex - cell.inputs + 1).to_string(), String::new())
}
