import { ScaloraError } from "../util/errors.ts";
import { checkComponents } from "./check-components.ts";
import type { SpecialToken, SpecialTokens } from "./tokenizer.ts";
import type { ConfiguredToken, TokenizerSettings } from "./tokenizer-settings.ts";
import {
  type AddedToken,
  type Component,
  type SpecialTokenRole,
  specialTokenFlags,
  specialTokenRoles,
  type TokenizerSpec,
  type TokenTemplate,
} from "./tokenizer-spec.ts";

/** A complete tokenizer for the `tokenizers` library. */
export interface AssembledTokenizer {
  /** The text of a `tokenizer.json`. */
  readonly json: string;
  readonly addedTokens: readonly (AddedToken & { id: number })[];
  readonly size: number;
  readonly requiredRows: number;
  readonly special: SpecialTokens;
  readonly sentencePiece: TokenizerSpec["sentencePiece"];
  /** Whether decoding removes the spaces around punctuation. */
  readonly cleanUpSpaces: boolean;
}

/**
 * Applies a folder's settings to a spec: added tokens, special tokens, and the post-processor template.
 * @throws ScaloraError `format` when the settings contradict the vocabulary
 */
export function assembleTokenizer(blueprint: TokenizerSpec, settings: TokenizerSettings): AssembledTokenizer {
  const tokens = new TokenTable(blueprint, settings.where);
  for (const token of settings.addedTokens) tokens.set(token);
  for (const token of settings.extraSpecialTokens) tokens.add(token);
  const named = resolveSpecialTokens(tokens, blueprint, settings);
  const added = tokens.sorted();
  const file = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: blueprint.normalizer,
    pre_tokenizer: blueprint.preTokenizer,
    post_processor: buildPostProcessor(blueprint.template, named, settings),
    decoder: blueprint.decoder,
    model: blueprint.model,
  };
  checkComponents(blueprint.where, [
    file.normalizer,
    file.pre_tokenizer,
    file.post_processor,
    file.decoder,
    file.model,
  ]);
  const { bos, eos, unk, pad } = named;
  // Byte-level BPE keeps spaces itself; transformers ignores the setting there too.
  const cleansUp =
    blueprint.model["type"] !== "BPE" &&
    (settings.options.clean_up_tokenization_spaces ?? blueprint.cleanUpSpaces);
  return {
    json: JSON.stringify(file),
    addedTokens: added,
    size: tokens.size,
    requiredRows: requiredRows(tokens, named, settings),
    special: { bos, eos, unk, pad },
    sentencePiece: blueprint.sentencePiece,
    cleanUpSpaces: cleansUp,
  };
}

/** Rows without the special tokens at the end that are not used. */
function requiredRows(
  tokens: TokenTable,
  named: ResolvedSpecialTokens,
  { chatTemplate = "" }: TokenizerSettings,
): number {
  const inUse = new Set(Object.values(named).map(({ id }) => id));
  const spare = (id: number) => {
    const token = tokens.addedTokenOutsideVocabulary(id);
    return token?.special === true && !inUse.has(id) && !chatTemplate.includes(token.content);
  };
  let rows = tokens.size;
  while (rows > 0 && spare(rows - 1)) rows--;
  return rows;
}

type ResolvedSpecialTokens = Partial<Record<SpecialTokenRole, SpecialToken>>;

/** The special tokens by role: the settings' first, then the source's. */
function resolveSpecialTokens(
  tokens: TokenTable,
  blueprint: TokenizerSpec,
  settings: TokenizerSettings,
): ResolvedSpecialTokens {
  const result: ResolvedSpecialTokens = {};
  for (const role of specialTokenRoles) {
    const content = blueprint.specialTokens[role];
    const said = settings.specialTokens[role];
    const token = said === undefined && content !== undefined ? { content } : said;
    if (token) result[role] = tokens.add(token);
  }
  return result;
}

/** Added tokens by text, with the ids that the `tokenizers` library will assign. */
class TokenTable {
  private readonly vocabulary: ReadonlyMap<string, number>;
  private readonly where: string;
  private readonly added = new Map<string, AddedToken & { id: number }>();
  private readonly contents = new Map<number, string>();
  size = 0;

  constructor({ vocabulary, addedTokens }: TokenizerSpec, where: string) {
    this.vocabulary = vocabulary;
    this.where = where;
    for (const [text, id] of vocabulary) this.reserveId(id, text);
    for (const token of addedTokens) this.set({ ...token, id: token.id ?? this.size });
  }

  /** Adds a token with a given id; an existing one gets the flags, except `normalized`. */
  set(token: AddedToken & { id: number }): void {
    const { content, id } = token;
    const known = this.idOf(content);
    const owner = this.contents.get(id);
    if ((known ?? id) !== id || (owner ?? content) !== content) {
      throw new ScaloraError("format", "The tokenizer's files contradict each other", {
        where: this.where,
        expected: owner === undefined ? `${content} with number ${known}` : `${owner} with number ${id}`,
        found: `${content} with number ${id}`,
      });
    }
    const normalized = this.added.get(content)?.normalized ?? token.normalized;
    this.added.set(content, { ...token, normalized });
    this.reserveId(id, content);
  }

  /** Adds a special token by its text; a new one gets the next id. */
  add(token: ConfiguredToken): SpecialToken {
    const { content } = token;
    const known = this.added.get(content);
    const id = this.idOf(content) ?? this.size;
    this.added.set(content, { ...specialTokenFlags, ...token, ...known, content, id, special: true });
    this.reserveId(id, content);
    return { id, content };
  }

  /** The added token of an id that is not in the vocabulary. */
  addedTokenOutsideVocabulary(id: number): AddedToken | undefined {
    const content = this.contents.get(id);
    return content === undefined || this.vocabulary.has(content) ? undefined : this.added.get(content);
  }

  sorted(): (AddedToken & { id: number })[] {
    return [...this.added.values()].sort((a, b) => a.id - b.id);
  }

  private idOf(content: string): number | undefined {
    return this.added.get(content)?.id ?? this.vocabulary.get(content);
  }

  private reserveId(id: number, text: string): void {
    this.contents.set(id, text);
    this.size = Math.max(this.size, id + 1);
  }
}

function buildPostProcessor(
  frame: TokenizerSpec["template"],
  named: ResolvedSpecialTokens,
  settings: TokenizerSettings,
): Component | null {
  if ("postProcessor" in frame) return frame.postProcessor;
  const { before, after, pair: second } = applyBosEosSettings(frame, settings);
  const used: SpecialToken[] = [];
  const items = (roles: readonly SpecialTokenRole[], typeId: number) =>
    roles.flatMap((role) => {
      const token = named[role];
      if (token === undefined) return [];
      used.push(token);
      return { SpecialToken: { id: token.content, type_id: typeId } };
    });
  const withSpecialTokens = (id: "A" | "B", start: readonly SpecialTokenRole[], typeId: number) => [
    ...items(start, typeId),
    { Sequence: { id, type_id: typeId } },
    ...items(after, typeId),
  ];
  const single = withSpecialTokens("A", before, 0);
  const pair = [...single, ...withSpecialTokens("B", second?.before ?? before, second?.typeId ?? 1)];
  const tokens = used.map(({ id, content }) => [content, { id: content, ids: [id], tokens: [content] }]);
  return { type: "TemplateProcessing", single, pair, special_tokens: Object.fromEntries(tokens) };
}

/** Adds or removes BOS and EOS in the template, by `add_bos_token` and `add_eos_token`. */
function applyBosEosSettings(
  { before, after, pair }: TokenTemplate,
  { addBos, addEos }: TokenizerSettings,
): TokenTemplate {
  const withBos: readonly SpecialTokenRole[] = ["bos", ...before.filter((role) => role !== "bos")];
  const withEos: readonly SpecialTokenRole[] = [...after.filter((role) => role !== "eos"), "eos"];
  return {
    before: addBos === undefined ? before : addBos ? withBos : withBos.slice(1),
    after: addEos === undefined ? after : addEos ? withEos : withEos.slice(0, -1),
    ...(pair && { pair }),
  };
}
