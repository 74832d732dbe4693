//! The models of a server, and which one to use when nobody named one.
//!
//! Promises: the choice is the same for the same list; a model that the server only relays to
//! another host, and a model too small to be an analyst, are never chosen unasked.
//! Leaves to others: fetching the list.

/// Models that the project measures itself with, best first. A tag may go on (`-instruct-q4_K_M`).
const PREFERRED: [&str; 2] = ["qwen2.5:14b", "llama3.1:8b"];

/// Models of 0.1 and 0.3 billion parameters got 3 to 8 of 24 attack classes right (chance is 3.4)
/// and called most attacks benign. A person may name one for a test; we never choose one.
const USABLE_BILLIONS_MIN: f64 = 1.0;

/// One model as a server lists it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Listed {
    pub(crate) name: String,
    /// Billions of parameters, where the server says.
    pub(crate) billions: Option<f64>,
    /// False for models that only embed.
    pub(crate) can_complete: bool,
    /// Where the model really runs, if the server only relays to it.
    pub(crate) remote_host: Option<String>,
    /// The context it was trained with or is served with.
    pub(crate) context: Option<u32>,
    /// Who the server says it belongs to (`library`, `llamacpp`, `vllm`).
    pub(crate) owner: Option<String>,
}

/// Chooses from the models of an Ollama server.
pub(crate) fn choose(models: &[Listed]) -> Option<&Listed> {
    let is_usable = |model: &&Listed| {
        let is_large_enough =
            model.billions.is_some_and(|billions| billions >= USABLE_BILLIONS_MIN);
        model.can_complete && is_large_enough && !is_relayed(model)
    };
    let preferred = PREFERRED.iter().find_map(|name| {
        let mut matching: Vec<_> =
            models.iter().filter(is_usable).filter(|model| model.name.starts_with(name)).collect();
        // The shortest name is the plain tag.
        matching.sort_by_key(|model| (model.name.len(), &model.name));
        matching.into_iter().next()
    });
    preferred.or_else(|| {
        let size = |model: &Listed| model.billions.unwrap_or_default();
        models.iter().filter(is_usable).min_by(|one, other| {
            size(other).total_cmp(&size(one)).then_with(|| one.name.cmp(&other.name))
        })
    })
}

/// Tells whether a model runs somewhere else than on the server that lists it.
pub(crate) fn is_relayed(model: &Listed) -> bool {
    model.remote_host.is_some() || is_relayed_by_name(&model.name)
}

/// Ollama's hosted models have tags such as `120b-cloud` or `cloud`, also on servers and in
/// dialects that don't name the remote host.
pub(crate) fn is_relayed_by_name(name: &str) -> bool {
    let tag = name.rsplit(':').next().unwrap_or(name);
    tag == "cloud" || tag.ends_with("-cloud")
}

/// Reads a size such as `134.52M`, `8.0B` or `1T` as billions.
pub(crate) fn parse_billions(size: &str) -> Option<f64> {
    let size = size.trim();
    let (last, _) = size.char_indices().next_back()?;
    let (number, unit) = size.split_at_checked(last)?;
    let scale = match unit {
        "K" => 1e-6,
        "M" => 1e-3,
        "B" => 1.0,
        "T" => 1e3,
        _ => return None,
    };
    let number = number.parse::<f64>().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number * scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(name: &str, size: &str) -> Listed {
        Listed {
            name: name.into(),
            billions: parse_billions(size),
            can_complete: true,
            remote_host: None,
            context: None,
            owner: None,
        }
    }

    fn chosen(models: &[Listed]) -> Option<&str> {
        choose(models).map(|model| model.name.as_str())
    }

    #[test]
    fn a_preferred_model_is_chosen_before_a_larger_one() {
        let models = [
            listed("llama3.3:70b", "70.6B"),
            listed("qwen2.5:14b-instruct-q4_K_M", "14.8B"),
            listed("qwen2.5:14b", "14.8B"),
            listed("llama3.1:8b", "8.0B"),
        ];
        assert_eq!(chosen(&models), Some("qwen2.5:14b"));
        assert_eq!(chosen(&models[3..]), Some("llama3.1:8b"));
    }

    #[test]
    fn else_the_largest_is_chosen_and_of_two_equals_the_first_by_name() {
        let models = [listed("a", "7.6B"), listed("c", "32B"), listed("b", "32B")];
        assert_eq!(chosen(&models), Some("b"));
    }

    #[test]
    fn models_that_are_too_small_or_only_embed_or_run_elsewhere_are_not_chosen() {
        let mut embedder = listed("nomic", "7.0B");
        embedder.can_complete = false;
        let mut remote = listed("qwen2.5:14b", "14.8B");
        remote.remote_host = Some("https://ollama.com:443".into());
        let models = [
            listed("smollm2:135m", "134.52M"),
            listed("unknown", ""),
            listed("gpt-oss:120b-cloud", "116.8B"),
            embedder,
            remote,
        ];
        assert_eq!(chosen(&models), None);
    }

    #[test]
    fn sizes_are_read_in_every_unit() {
        assert_eq!(parse_billions("134.52M"), Some(0.13452));
        assert_eq!(parse_billions("8.0B"), Some(8.0));
        assert_eq!(parse_billions("1T"), Some(1000.0));
        for odd in ["", "B", "8", "8.0ß", "-1B", "infB", "NaNB"] {
            assert_eq!(parse_billions(odd), None, "{odd}");
        }
    }
}
