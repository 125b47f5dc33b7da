use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// Environment variable: tests fail, rather than say that they are skipped, where there is no registry to try.
const REQUIRED: &str = "ARCHWRIGHT_REQUIRE_REGISTRY";

/// A user's line of an htpasswd file, for the password [`PASSWORD`].
const USER: &str = "tester:$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n";

/// The password of the user `tester` of a [`Registry`] that asks for it.
pub const PASSWORD: &str = "U*U";

/// A real OCI registry on this machine, in a folder of its own.
#[derive(Debug)]
pub struct Registry {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl Registry {
    /// A registry for everybody; `None` where there is no program for it, which is said.
    pub fn open() -> Option<Self> {
        Self::start(false)
    }

    /// A registry that lets in the user `tester` with [`PASSWORD`] alone.
    pub fn guarded() -> Option<Self> {
        Self::start(true)
    }

    fn start(guarded: bool) -> Option<Self> {
        let Some(program) = program() else {
            assert!(std::env::var_os(REQUIRED).is_none(), "{REQUIRED} is set, and there is no docker-registry");
            eprintln!("SKIPPED: there is no docker-registry: `cargo xtask test` fetches it");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        // Free now, and nobody else asks for it before the registry does.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let path = folder.path().display();
        let auth = if guarded {
            fs::write(folder.path().join("users"), USER).unwrap();
            format!("auth:\n  htpasswd:\n    realm: tests\n    path: {path}/users\n")
        } else {
            String::new()
        };
        let settings = format!(
            "version: 0.1\nlog:\n  accesslog:\n    disabled: true\n  level: error\nstorage:\n  filesystem:\n    \
             rootdirectory: {path}/content\nhttp:\n  addr: 127.0.0.1:{port}\n{auth}"
        );
        let file = folder.path().join("settings.yml");
        fs::write(&file, settings).unwrap();
        let mut command = Command::new(program);
        command.arg("serve").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let registry = Self { process: command.spawn().unwrap(), port, _folder: folder };
        registry.wait();
        Some(registry)
    }

    fn wait(&self) {
        for _ in 0..600 {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the registry does not start");
    }

    /// Its host and port, as references name it.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn program() -> Option<PathBuf> {
    let fetched =
        crate::program().ancestors().nth(2).map(|target| target.join("docker-registry/usr/bin/docker-registry"));
    if let Some(fetched) = fetched.filter(|fetched| fetched.is_file()) {
        return Some(fetched);
    }
    let installed = PathBuf::from("docker-registry");
    Command::new(&installed).arg("--version").output().is_ok().then_some(installed)
}
