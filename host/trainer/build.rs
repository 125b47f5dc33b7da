//! Lets the trainer find libtorch where it was linked, and beside itself.

fn main() {
    println!("cargo::rerun-if-env-changed=LIBTORCH");
    if let Some(libtorch) = std::env::var_os("LIBTORCH") {
        let lib = std::path::Path::new(&libtorch).join("lib");
        println!("cargo::rustc-link-arg=-Wl,-rpath,{}", lib.display());
    }
    println!("cargo::rustc-link-arg=-Wl,-rpath,$ORIGIN/lib");
}
