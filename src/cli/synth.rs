//! `certcensus synth`: a seeded synthetic fleet on disk.

use std::io;

use super::args::{Layout, Preset, Synth};
use super::paint::{count, size};
use super::{Exit, print};
use crate::error::Error;
use crate::synth::{self, Options};

/// Writes the fleet.
pub fn run(args: &Synth) -> Result<Exit, Error> {
    let options = understand(args)?;
    let summary = synth::write(&options, &args.output).map_err(|e| match e.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::AlreadyExists => Error::Usage(e.to_string()),
        _ => Error::io(&args.output)(e),
    })?;
    print(&format!(
        "{} clients, {} certificate records in {} files ({}), seed {}\n",
        count(summary.clients),
        count(summary.certificates),
        count(summary.files),
        size(summary.bytes),
        options.seed,
    ))?;
    Ok(Exit::Done)
}

/// What was typed, over the preset's values.
fn understand(args: &Synth) -> Result<Options, Error> {
    let preset = match args.preset {
        Preset::Plausible => Options::default(),
        Preset::Distinct => Options::distinct(),
        Preset::Fleet => Options::fleet(),
    };
    let layout = match (args.layout, args.shards) {
        (Some(Layout::Tree), _) => synth::Layout::Tree,
        (Some(Layout::Der), _) => synth::Layout::Der,
        (_, Some(shards)) => synth::Layout::Shards(shards),
        (_, None) => preset.layout,
    };
    let mut options = Options {
        seed: args.seed,
        clients: args.clients.unwrap_or(preset.clients),
        own_per_client: args.own.unwrap_or(preset.own_per_client),
        shared_per_client: args.shared.unwrap_or(preset.shared_per_client),
        shared_pool: args.pool.unwrap_or(preset.shared_pool),
        broken: args.broken.unwrap_or(preset.broken),
        hash_only: args.hash_only.unwrap_or(preset.hash_only),
        missing_end: args.missing_end.unwrap_or(preset.missing_end),
        layout,
        ..preset
    };
    for part in args.mix.iter().flat_map(|mix| mix.split(',')) {
        let (place, weight) = part.split_once('=').unwrap_or((part, ""));
        let weight: u32 = weight
            .trim()
            .parse()
            .map_err(|_| Error::Usage(format!("--mix {part}: give a place and a whole number, as capi_software=30")))?;
        set_weight(&mut options.weights, place.trim(), weight)?;
    }
    Ok(options)
}

fn set_weight(weights: &mut synth::Weights, place: &str, weight: u32) -> Result<(), Error> {
    let slot = match place {
        "capi_software" => &mut weights.capi_software,
        "cng_software" => &mut weights.cng_software,
        "tpm" => &mut weights.tpm,
        "smart_card" => &mut weights.smart_card,
        "vbs" => &mut weights.vbs,
        "hsm" => &mut weights.hsm,
        "cloud_kms" => &mut weights.cloud_kms,
        "no_key" => &mut weights.no_key,
        _ => {
            let places = "capi_software, cng_software, tpm, smart_card, vbs, hsm, cloud_kms, no_key";
            return Err(Error::Usage(format!("--mix {place}: no such place; there are {places}")));
        }
    };
    *slot = weight;
    Ok(())
}
