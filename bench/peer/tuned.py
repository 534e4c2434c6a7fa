"""Row F: transformers + PEFT tuned by hand in every way found that keeps the numbers.

- No padding: the tokens of a batch are one row, and attention runs over one sequence after another.
- The output layer and the loss only where a token is a label, in pieces whose logits are never held together, with the
  gradient from the same pass.
- float32 products through oneDNN ("medium") where that stays float32: on AMD's processors, not where AMX would compute
  them in bfloat16.
- Environment (run.ts sets it): malloc keeps its memory, and threads sleep while they wait.
"""
import torch
import torch.nn.functional as F
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

lengths = []  # of the sequences of the batch at hand


def attention_by_sequence(module, query, key, value, attention_mask, scaling=None, dropout=0.0, **_):
    """[1, heads, tokens, size]. Grouped keys are repeated: `enable_gqa` is slow on the CPU."""
    groups = query.shape[1] // key.shape[1]
    if groups > 1:
        key, value = key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)
    found = [
        F.scaled_dot_product_attention(*parts, dropout_p=dropout, is_causal=module.is_causal, scale=scaling)
        for parts in zip(*(each.split(lengths, dim=2) for each in (query, key, value)))
    ]
    return torch.cat(found, dim=2).transpose(1, 2), None


ALL_ATTENTION_FUNCTIONS.register("by_sequence", attention_by_sequence)
ALL_MASK_ATTENTION_FUNCTIONS.register("by_sequence", lambda *_, **__: None)


def use_onednn_if_exact():
    """Whether float32 products through oneDNN are as exact as they were; then they stay there."""
    x, w = torch.randn(256, 512), torch.randn(1024, 512)
    exact = x.double() @ w.double().t()
    torch.set_float32_matmul_precision("medium")
    error = ((x @ w.t()).double() - exact).abs().max() / exact.abs().max()
    if error < 4e-6:
        return True
    torch.set_float32_matmul_precision("highest")
    return False


class LossInPieces(torch.autograd.Function):
    """Mean cross entropy of a frozen output layer. Its gradient is computed with it, piece by piece."""

    @staticmethod
    def forward(ctx, hidden, weight, targets, piece=128):
        count = len(targets)
        gradient = torch.empty_like(hidden)
        buffer = hidden.new_empty(min(piece, count), len(weight))
        total = torch.zeros((), dtype=torch.float32)
        for x, y, g in zip(hidden.split(piece), targets.split(piece), gradient.split(piece)):
            logits = torch.mm(x, weight.t(), out=buffer[: len(x)])
            # As in A: a more exact sum over 262,144 tokens would change gradients by some 1e-4.
            found = torch.log_softmax(logits.float(), dim=1)
            total -= found.gather(1, y[:, None]).sum()
            # Softmax less one at the target.
            found.exp_().scatter_add_(1, y[:, None], found.new_full((len(y), 1), -1.0))
            g.copy_(torch.mm(found.to(weight.dtype), weight) / count)
        ctx.save_for_backward(gradient)
        return total / count

    @staticmethod
    def backward(ctx, grad_output):
        (gradient,) = ctx.saved_tensors
        return gradient * grad_output, None, None, None


class Tuned:
    options = dict(attn_implementation="by_sequence")

    def __init__(self, model):
        self.inner = model.get_base_model()
        exact = use_onednn_if_exact()
        self.note = "float32 products through oneDNN" if exact else "float32 products by default"

    def tokens(self, rows):
        """The tokens of all rows as one, their positions, and where each row begins."""
        each = [len(row["ids"]) for row in rows]
        return dict(
            ids=torch.tensor([[token for row in rows for token in row["ids"]]]),
            positions=torch.tensor([[position for n in each for position in range(n)]]),
            lengths=each,
            starts=[sum(each[:i]) for i in range(len(each))],
        )


class TunedChat(Tuned):
    def batch(self, rows):
        batch = self.tokens(rows)
        labels = [
            (start + i - 1, row["ids"][i])
            for row, start in zip(rows, batch["starts"])
            for i in range(row["prompt"], len(row["ids"]))
        ]
        predicting, targets = zip(*labels)
        return dict(batch, predicting=torch.tensor(predicting), targets=torch.tensor(targets))

    def loss(self, batch):
        lengths[:] = batch["lengths"]
        output = self.inner.model(input_ids=batch["ids"], position_ids=batch["positions"], use_cache=False)
        hidden = output.last_hidden_state[0, batch["predicting"]]
        return LossInPieces.apply(hidden, self.inner.lm_head.weight, batch["targets"])


class TunedClassifier(Tuned):
    def batch(self, rows):
        return dict(self.tokens(rows), labels=torch.tensor([row["label"] for row in rows]))

    def loss(self, batch):
        lengths[:] = batch["lengths"]
        bert = self.inner.bert
        embedded = bert.embeddings(input_ids=batch["ids"], position_ids=batch["positions"])
        hidden = bert.encoder(embedded).last_hidden_state
        pooled = bert.pooler(hidden[0, batch["starts"]].unsqueeze(1))
        return F.cross_entropy(self.inner.classifier(self.inner.dropout(pooled)), batch["labels"])
