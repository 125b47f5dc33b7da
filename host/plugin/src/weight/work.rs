//! What compiling the functions of a component takes.

use wasmparser::{
    FuncValidator, FunctionBody, Operator, Parser, ValidPayload, Validator, WasmFeatures, WasmModuleResources,
};

use super::{Refused, within};
use crate::limits::{InForce, Key};

/// What a function counts for, whatever is in it.
const FUNCTION: u64 = 512;

/// What a byte of code counts for.
const BYTE: u64 = 16;

/// How often a loop counts, and each target of a table of branches: until its end is seen, a loop's start may be reached
/// with any value of any variable.
const LOOP: u64 = 8;

/// Refuses a component whose functions take more to compile than the limits allow.
///
/// A compiler brings code into a form in which every value is assigned once. Where branches meet, each local variable and
/// each operand may need a value of its own for the branches to agree on, so that time and memory grow with the number of
/// branches times the number of values that are alive there, and of blocks that are open. That product is counted, besides
/// the bytes.
pub(super) fn check(bytes: &[u8], limits: &InForce) -> Result<(), Refused> {
    let largest = limits.bound("units of work to compile one function", Key::function_work);
    let whole = limits.bound("units of work to compile all functions", Key::compile_work);
    // What is not enabled here, the compiler's own validation refuses.
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    let mut allocations = Default::default();
    let mut total = 0_u64;
    for payload in Parser::new(0).parse_all(bytes) {
        if let ValidPayload::Func(function, body) = validator.payload(&payload?)? {
            let mut function = function.into_validator(allocations);
            let work = work(&mut function, &body, largest.limit)?;
            within(work, largest)?;
            total = total.saturating_add(work);
            within(total, whole)?;
            allocations = function.into_allocations();
        }
    }
    Ok(())
}

/// What compiling a function takes. Counting ends beyond `enough`.
fn work<T: WasmModuleResources>(
    function: &mut FuncValidator<T>,
    body: &FunctionBody<'_>,
    enough: u64,
) -> Result<u64, Refused> {
    let mut reader = body.get_binary_reader();
    let mut work = FUNCTION + BYTE * body.range().end.saturating_sub(body.range().start);
    function.read_locals(&mut reader)?;
    let mut operators = wasmparser::OperatorsReader::new(reader);
    while !operators.eof() && work <= enough {
        let (operator, offset) = operators.read_with_offset()?;
        let edges = edges(&operator);
        // Before an instruction, since a branch takes its operands off the stack.
        let alive = [function.len_locals(), function.operand_stack_height(), function.control_stack_height()];
        let alive: u64 = alive.into_iter().map(u64::from).sum();
        work = work.saturating_add(edges.saturating_mul(alive));
        function.op(offset, &operator)?;
    }
    Ok(work)
}

/// How many ways of control begin or end at an instruction.
fn edges(operator: &Operator<'_>) -> u64 {
    match operator {
        Operator::BrTable { targets } => LOOP * (u64::from(targets.len()) + 1),
        Operator::Loop { .. } => LOOP,
        Operator::Block { .. }
        | Operator::If { .. }
        | Operator::Else
        | Operator::End
        | Operator::Br { .. }
        | Operator::BrIf { .. }
        | Operator::BrOnNull { .. }
        | Operator::BrOnNonNull { .. }
        | Operator::Return
        | Operator::Select
        | Operator::TypedSelect { .. } => 1,
        _ => 0,
    }
}
