//! Where things lie on this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, anyhow};
use archwright_plugin::{Engine, EngineOptions};
use archwright_registry::Kept;
use archwright_search::{Catalogue, Environment};
use archwright_store::Store;
use serde::Deserialize;

use crate::outcome::CliError;

/// Environment variable: the folder with the bundled plugins.
pub(crate) const PLUGINS: &str = "ARCHWRIGHT_PLUGINS";
/// Environment variable: the trainer's program.
pub(crate) const TRAINER: &str = "ARCHWRIGHT_TRAINER";

/// Folders and programs that commands work with.
#[derive(Debug)]
pub(crate) struct Locations {
    pub(crate) store: PathBuf,
    pub(crate) plugins: PathBuf,
    pub(crate) trainer: PathBuf,
    pub(crate) compiled: Option<PathBuf>,
}

/// What `archwright-trainer --devices` prints.
#[derive(Debug, Deserialize)]
pub(crate) struct Devices {
    pub(crate) libtorch: String,
    pub(crate) devices: Vec<Device>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Device {
    pub(crate) device: String,
    pub(crate) name: String,
}

impl Locations {
    pub(crate) fn find(store: Option<&Path>) -> Result<Self, CliError> {
        let program = std::env::current_exe().context("cannot tell where this program lies")?;
        let program = program.canonicalize().unwrap_or(program);
        let beside = program.parent().unwrap_or(Path::new(".")).to_owned();
        let store = match store {
            Some(store) => store.to_owned(),
            None => dirs::data_dir()
                .ok_or_else(|| anyhow!("no home folder: name a store with --store or ARCHWRIGHT_STORE"))?
                .join("archwright"),
        };
        let or_beside =
            |variable, name: &str| std::env::var_os(variable).map_or_else(|| beside.join(name), PathBuf::from);
        Ok(Self {
            store,
            plugins: or_beside(PLUGINS, "plugins"),
            trainer: or_beside(TRAINER, "archwright-trainer"),
            compiled: dirs::cache_dir().map(|cache| cache.join("archwright").join("compiled")),
        })
    }

    /// The store, for commands that look at what is there: they make none.
    pub(crate) fn existing_store(&self) -> Result<Store, CliError> {
        if self.has_store() {
            return Ok(Store::open(&self.store)?);
        }
        Err(CliError::input(
            format!("there is no store {}", self.store.display()),
            Some("`archwright run FILE` makes it; --store and ARCHWRIGHT_STORE name another one".into()),
        ))
    }

    /// Whether there is a store, or something that cannot be looked at.
    pub(crate) fn has_store(&self) -> bool {
        self.store.try_exists().unwrap_or(true)
    }

    pub(crate) fn catalogue(&self) -> Catalogue {
        Catalogue::new(self.plugins.clone(), self.kept())
    }

    /// Plugins that were brought from elsewhere: in a folder beside the store, or in it where it has no name.
    pub(crate) fn kept(&self) -> Kept {
        let beside = self.store.file_name().map(|name| {
            let mut name = name.to_owned();
            name.push("-plugins");
            self.store.with_file_name(name)
        });
        Kept::new(beside.unwrap_or_else(|| self.store.join("plugins")))
    }

    pub(crate) fn engine(&self) -> Result<Engine, CliError> {
        Ok(Engine::new(&EngineOptions { cache_dir: self.compiled.clone(), ..EngineOptions::default() })?)
    }

    /// What a search finds here. `auto` devices are looked up where `auto` is asked for.
    pub(crate) fn environment(&self, auto: bool) -> Result<Environment, CliError> {
        Ok(Environment {
            store: self.store.clone(),
            catalogue: self.catalogue(),
            compiled: self.compiled.clone(),
            trainer: self.trainer.clone(),
            auto_devices: if auto { self.auto_devices()? } else { vec!["cpu".into()] },
        })
    }

    /// Every GPU, or else the CPU. The trainer is asked only where there is a driver.
    fn auto_devices(&self) -> Result<Vec<String>, CliError> {
        if !Path::new("/dev/nvidiactl").exists() {
            return Ok(vec!["cpu".into()]);
        }
        let gpus: Vec<String> = self
            .devices()?
            .devices
            .into_iter()
            .map(|device| device.device)
            .filter(|device| device.starts_with("cuda"))
            .collect();
        Ok(if gpus.is_empty() { vec!["cpu".into()] } else { gpus })
    }

    /// Asks the bundled trainer what it can work on.
    pub(crate) fn devices(&self) -> Result<Devices, CliError> {
        let output = Command::new(&self.trainer)
            .arg("--devices")
            .output()
            .with_context(|| format!("cannot start the trainer {}", self.trainer.display()))?;
        if !output.status.success() {
            let problem = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(anyhow!("{} --devices failed: {problem}", self.trainer.display()).into());
        }
        let devices = serde_json::from_slice(&output.stdout).context("the trainer's list of devices is no JSON")?;
        Ok(devices)
    }
}
