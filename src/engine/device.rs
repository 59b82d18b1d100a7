//! Opens devices by name. A device is always named: burn's default changes with the features that are compiled in.

use burn::tensor::{BoolDType, Device, FloatDType, IntDType};

use super::problems::EngineProblem;
use crate::plan::Precision;
use crate::problem::Problem;

/// What `--backend` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackendName {
    /// Our kernels on slots of burn's Flex backend.
    Cpu,
    /// Burn's own operations on Flex: the check on the kernels.
    Composed,
    Ndarray,
    Wgpu,
}

/// A name, and the cargo feature that compiles it in.
pub(super) struct NameRow {
    pub text: &'static str,
    pub name: BackendName,
    #[cfg_attr(all(feature = "ndarray", feature = "wgpu"), expect(dead_code, reason = "nothing is left out"))]
    pub feature: &'static str,
    pub hidden: bool,
}

pub(super) const NAMES: &[NameRow] = &[
    NameRow { text: "cpu", name: BackendName::Cpu, feature: "cpu", hidden: false },
    NameRow { text: "ndarray", name: BackendName::Ndarray, feature: "ndarray", hidden: false },
    NameRow { text: "wgpu", name: BackendName::Wgpu, feature: "wgpu", hidden: false },
    NameRow { text: "composed", name: BackendName::Composed, feature: "cpu", hidden: true },
];

impl BackendName {
    /// The backend a user wrote.
    pub fn parse(text: &str) -> Result<BackendName, Problem> {
        let row = NAMES.iter().find(|row| row.text == text);
        row.map(|row| row.name)
            .ok_or_else(|| EngineProblem::Unknown { name: text.to_string(), known: super::names().collect() }.into())
    }

    pub fn text(self) -> &'static str {
        self.row().map_or("", |row| row.text)
    }

    fn row(self) -> Option<&'static NameRow> {
        NAMES.iter().find(|row| row.name == self)
    }
}

/// An open device, and how it holds whole numbers and truth values.
#[derive(Debug, Clone)]
pub struct Place {
    pub(super) device: Device,
    pub(super) float: FloatDType,
    pub(super) int: IntDType,
    pub(super) bool: BoolDType,
}

impl Place {
    fn new(device: Device) -> Place {
        let settings = device.settings();
        Place { device, float: FloatDType::F32, int: settings.int_dtype, bool: settings.bool_dtype }
    }

    /// This device computing in `precision`.
    pub(super) fn at(&self, precision: Precision) -> Place {
        let float = match precision {
            Precision::F32 => FloatDType::F32,
            Precision::F64 => FloatDType::F64,
        };
        Place { float, ..self.clone() }
    }
}

/// Opens the device of a backend, or says what is missing.
pub fn open(name: BackendName) -> Result<Place, Problem> {
    match name {
        BackendName::Cpu | BackendName::Composed => Ok(Place::new(Device::flex())),
        BackendName::Ndarray => ndarray().map(Place::new),
        BackendName::Wgpu => wgpu().map(Place::new),
    }
}

#[cfg(not(all(feature = "ndarray", feature = "wgpu")))]
fn not_compiled(name: BackendName) -> Problem {
    EngineProblem::NotCompiled { name: name.text(), feature: name.row().map_or("", |row| row.feature) }.into()
}

#[cfg(feature = "ndarray")]
fn ndarray() -> Result<Device, Problem> {
    // Upstream keeps it for one release more; so do we.
    #[allow(deprecated)]
    Ok(Device::ndarray())
}

#[cfg(not(feature = "ndarray"))]
fn ndarray() -> Result<Device, Problem> {
    Err(not_compiled(BackendName::Ndarray))
}

/// Burn registers a wgpu runtime once a process and refuses a second time, so the outcome is kept.
#[cfg(feature = "wgpu")]
fn wgpu() -> Result<Device, Problem> {
    static OPENED: std::sync::OnceLock<Result<Device, String>> = std::sync::OnceLock::new();
    let opened = OPENED.get_or_init(|| Device::wgpu_options().init().map_err(|error| error.to_string()));
    opened.clone().map_err(|reason| EngineProblem::NoDevice { name: BackendName::Wgpu.text(), reason }.into())
}

#[cfg(not(feature = "wgpu"))]
fn wgpu() -> Result<Device, Problem> {
    Err(not_compiled(BackendName::Wgpu))
}
