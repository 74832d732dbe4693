//! How many tokens a prompt has, without a tokenizer.
//!
//! A server that gets too long a prompt may cut it silently, and then the instructions are gone
//! and the tail of an attacker's log line is what the model reads. So a prompt is measured before
//! it is sent, and the server's own count is held against it afterwards.
//!
//! Promises: the estimate is on the high side for log text. Leaves to others: cutting the
//! evidence so that it fits.

use crate::ask::Prompt;

/// Log text has 1.7 to 2.3 characters per token in the four vocabularies that were measured
/// (digits, hex and punctuation split finely); 1.8 = 18/10 is the figure of qwen2, our first
/// choice. The 4 characters of prose would be wrong by more than two.
const CHARS_PER_TOKEN_TENTHS: usize = 18;

/// What the chat template adds around two messages: role marks and separators. It is about 20
/// tokens in the templates of qwen2.5 and llama3.1, which adds its dates; three times that is safe.
const TEMPLATE_TOKENS: usize = 64;

/// No text of natural words and logs has more characters per token than this on average: English
/// prose has 4 to 5. Larger would miss real cuts, smaller would refuse honest answers.
const CHARS_PER_TOKEN_MOST: usize = 6;

/// Words and numbers have runs of two or three; longer ones are rulers, padding or an attack.
const RUN_COUNTED_MAX: usize = 3;

/// The share of the fewest tokens below which a count can't be of the whole prompt. The rest is
/// slack for text of long common words, which a vocabulary may hold whole.
const WHOLE_PROMPT_PERCENT: usize = 60;

/// Ollama cuts to half the context plus the first `num_keep` tokens, 4 by default.
const OLLAMA_KEEP_TOKENS: u32 = 4;

/// Estimates the tokens of a whole prompt, on the high side, its chat template included.
pub fn estimate_tokens(prompt: &Prompt) -> u32 {
    let texts = text_tokens(&prompt.system).saturating_add(text_tokens(&prompt.user));
    u32::try_from(texts.saturating_add(TEMPLATE_TOKENS)).unwrap_or(u32::MAX)
}

/// Estimates the tokens of a text, for whoever fills a prompt up to a budget.
///
/// Characters beyond ASCII are counted by their bytes, because a byte-level vocabulary needs one
/// token for each byte of a character that it doesn't know, and a log line may be full of those.
pub(crate) fn text_tokens(text: &str) -> usize {
    let ascii = text.bytes().filter(u8::is_ascii).count();
    (ascii * 10).div_ceil(CHARS_PER_TOKEN_TENTHS) + (text.len() - ascii)
}

/// Gives the fewest tokens that a prompt can have.
///
/// A long run of one character counts as its start: vocabularies hold runs of spaces, dashes and
/// equals signs as single tokens, and an attacker could send those to have honest answers refused.
pub(crate) fn fewest_tokens(prompt: &Prompt) -> u32 {
    let tokens =
        (telling_chars(&prompt.system) + telling_chars(&prompt.user)) / CHARS_PER_TOKEN_MOST;
    u32::try_from(tokens).unwrap_or(u32::MAX)
}

/// Counts the characters of a text, each run of one character up to [`RUN_COUNTED_MAX`].
fn telling_chars(text: &str) -> usize {
    let (mut telling, mut last, mut run) = (0, None, 0);
    for character in text.chars() {
        run = if last == Some(character) { run + 1 } else { 1 };
        last = Some(character);
        telling += usize::from(run <= RUN_COUNTED_MAX);
    }
    telling
}

/// Gives the number of tokens that the server should have read, if its count shows that it has
/// cut the prompt.
///
/// Three signs: far fewer tokens than the prompt can have; a count that fills the context (older
/// servers cut to exactly that); and the very count that Ollama's cut leaves, where the prompt had
/// enough bytes to overrun the context. The last can be a chance hit, once in some thousand calls
/// with a long prompt, and then costs one verdict of this backend.
pub(crate) fn expected_if_cut(prompt: &Prompt, counted: u32, context: u32) -> Option<u32> {
    let fewest = fewest_tokens(prompt);
    let needed = (u64::from(fewest) * WHOLE_PROMPT_PERCENT as u64) / 100;
    if u64::from(counted) < needed {
        return Some(fewest);
    }
    if counted >= context {
        return Some(context);
    }
    let cut_leaves = context / 2..=context / 2 + OLLAMA_KEEP_TOKENS;
    // No text has more tokens than bytes.
    let bytes = prompt.system.len() + prompt.user.len() + TEMPLATE_TOKENS;
    let could_overrun = u32::try_from(bytes).unwrap_or(u32::MAX) > context;
    (could_overrun && cut_leaves.contains(&counted)).then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(user: &str) -> Prompt {
        Prompt {
            system: "You are a judge.".into(),
            user: user.into(),
            schema: serde_json::Value::Null,
            max_tokens: 100,
        }
    }

    #[test]
    fn log_text_is_estimated_at_one_token_for_1_8_characters() {
        assert_eq!(estimate_tokens(&prompt(&"a1".repeat(900))), 9 + 1000 + 64);
    }

    #[test]
    fn foreign_characters_are_estimated_by_their_bytes() {
        assert_eq!(estimate_tokens(&prompt(&"\u{13000}".repeat(100))), 9 + 400 + 64);
    }

    #[test]
    fn the_cut_that_was_recorded_is_seen() {
        // 3,020 tokens in a context of 2,048: the server counted 1,026 and said nothing.
        let long = prompt(&"bee ".repeat(3000));
        assert_eq!(expected_if_cut(&long, 1026, 2048), Some(fewest_tokens(&long)));
        assert_eq!(expected_if_cut(&long, 3020, 8192), None);
    }

    #[test]
    fn a_cut_is_seen_by_the_count_that_it_leaves() {
        // 9,000 digits are 9,000 tokens for qwen2, though the estimate is 5,000.
        let digits = prompt(&"0123456789".repeat(900));
        assert_eq!(expected_if_cut(&digits, 4098, 8192), Some(8192));
        assert_eq!(expected_if_cut(&digits, 8192, 8192), Some(8192));
        assert_eq!(expected_if_cut(&digits, 5000, 8192), None);
        // The same count is honest where the prompt can't have overrun.
        assert_eq!(expected_if_cut(&prompt(&"ab".repeat(3000)), 4098, 8192), None);
    }

    #[test]
    fn a_run_of_one_character_does_not_make_an_honest_count_look_cut() {
        assert_eq!(expected_if_cut(&prompt(&"=".repeat(8000)), 160, 8192), None);
        assert_eq!(expected_if_cut(&prompt(""), 10, 8192), None);
    }
}
