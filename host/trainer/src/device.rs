//! Devices to train on.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use archwright_protocol::{DeviceSummary, FailureKind};
use serde_json::{Value, json};
use tch::{Cuda, Device};

use crate::{LIBTORCH, Problem, memory};

/// The device that `name` names: `cpu` or `cuda:N`.
///
/// # Errors
/// Where there is no such device; says what there is.
pub fn find(name: &str) -> Result<(Device, DeviceSummary), Problem> {
    if name == "cpu" {
        return Ok((Device::Cpu, DeviceSummary { name: "cpu".into(), memory: memory::of_machine() }));
    }
    let index = name.strip_prefix("cuda:").and_then(|index| index.parse::<usize>().ok());
    let gpus = gpus();
    match index.and_then(|index| Some((index, gpus.get(index)?))) {
        Some((index, (gpu, memory))) => Ok((Device::Cuda(index), DeviceSummary { name: gpu.clone(), memory: *memory })),
        None => {
            let there = (0..gpus.len()).map(|index| format!(", cuda:{index}")).collect::<String>();
            Err(Problem::new(FailureKind::Unsupported, format!("there is no device `{name}`; there are cpu{there}")))
        }
    }
}

/// Every device, as JSON for people and programs.
pub fn list() -> Value {
    let cpu = json!({ "device": "cpu", "name": cpu_name(), "memory": memory::of_machine() });
    let gpus = gpus();
    let gpus = gpus
        .iter()
        .enumerate()
        .map(|(index, (name, memory))| json!({ "device": format!("cuda:{index}"), "name": name, "memory": memory }));
    json!({ "libtorch": LIBTORCH, "devices": std::iter::once(cpu).chain(gpus).collect::<Vec<_>>() })
}

/// What bits of results depend on besides the action.
pub fn numerics(device: Device, threads: u32) -> String {
    match device {
        Device::Cpu => format!("libtorch {LIBTORCH}, cpu ({}), {threads} threads", vector_instructions()),
        _ => format!("libtorch {LIBTORCH}, cuda"),
    }
}

/// The widest vector instructions, which decide the order of sums.
fn vector_instructions() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if std::is_x86_feature_detected!("avx512f") {
            return "avx512";
        }
        if std::is_x86_feature_detected!("avx2") {
            return "avx2";
        }
    }
    std::env::consts::ARCH
}

fn cpu_name() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| "cpu".into(), |(_, name)| name.to_owned())
}

/// Names and memory of the GPUs that libtorch can use.
fn gpus() -> Vec<(String, Option<u64>)> {
    if !Path::new("/dev/nvidiactl").exists() {
        return Vec::new();
    }
    load_cuda();
    let count = usize::try_from(Cuda::device_count()).unwrap_or(0);
    let described = query("name,memory.total");
    (0..count)
        .map(|index| match described.get(index).and_then(|line| line.rsplit_once(", ")) {
            Some((name, mebibytes)) => (name.to_owned(), mebibytes.parse().ok().map(|size: u64| size << 20)),
            None => (format!("GPU {index}"), None),
        })
        .collect()
}

/// Free memory of a GPU, where it is known.
pub(crate) fn free_memory(index: usize) -> Option<u64> {
    query("memory.free").get(index)?.parse().ok().map(|mebibytes: u64| mebibytes << 20)
}

fn query(what: &str) -> Vec<String> {
    let output =
        Command::new("nvidia-smi").arg(format!("--query-gpu={what}")).arg("--format=csv,noheader,nounits").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().map(|line| line.trim().to_owned()).collect()
}

/// Loads libtorch's CUDA part, which lies beside its CPU part where there is one. A program that was linked against the
/// CPU part alone works on GPUs once this is in the process.
fn load_cuda() {
    static LOADED: OnceLock<()> = OnceLock::new();
    LOADED.get_or_init(|| {
        let Some(library) = libtorch_folder().map(|folder| folder.join("libtorch_cuda.so")) else { return };
        let Ok(path) = CString::new(library.as_os_str().as_bytes()) else { return };
        if library.is_file() {
            // SAFETY: the path is a NUL-terminated string, and the library is the one that libtorch itself loads.
            let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
            if handle.is_null() {
                eprintln!("cannot load {}: GPUs are not used", library.display());
            }
        }
    });
}

/// The folder that this process has libtorch from.
fn libtorch_folder() -> Option<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let line = maps.lines().find(|line| line.ends_with("/libtorch_cpu.so"))?;
    Path::new(&line[line.find('/')?..]).parent().map(Path::to_owned)
}
