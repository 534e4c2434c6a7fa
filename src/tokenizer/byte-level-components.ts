import type { Component } from "./tokenizer-spec.ts";

/**
 * The `ByteLevel` component: pre-tokenizer and decoder of byte-level tokenizers.
 * @param addPrefixSpace puts a space before a text that has none
 * @param useRegex splits words by GPT-2's pattern
 */
export function byteLevelComponent(addPrefixSpace: boolean, useRegex = true): Component {
  return { type: "ByteLevel", add_prefix_space: addPrefixSpace, trim_offsets: true, use_regex: useRegex };
}

/** The model of byte-level BPE. @param ignoresMerges does not split a word that is itself a token */
export function byteLevelModel(
  vocabulary: ReadonlyMap<string, number>,
  merges: readonly (readonly [string, string])[],
  ignoresMerges: boolean,
): Component {
  return {
    type: "BPE",
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: ignoresMerges,
    vocab: Object.fromEntries(vocabulary),
    merges,
  };
}
