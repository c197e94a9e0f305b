"""MultiBench's MulT, LF and LRTF and OpenAI's CLIP with a ResNet for scripts/bench_models.py, of PyTorch's layers, with
the sizes and the names that their authors' checkpoints have."""

import math

import torch
import torch.nn.functional as F
from torch import nn

CHANNELS = {"text": 300, "audio": 74, "vision": 35}  # of CMU-MOSEI's features
WIDTH, HEADS, LAYERS, FRAMES = 40, 8, 4, 50


class Layer(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.self_attn = nn.MultiheadAttention(width, HEADS)
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.layer_norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(2)])

    def forward(self, x, context, mask):
        y = self.layer_norms[0](x)
        k = y if context is None else self.layer_norms[0](context)
        x = x + self.self_attn(y, k, k, attn_mask=mask, need_weights=False)[0]
        return x + self.fc2(F.relu(self.fc1(self.layer_norms[1](x))))


class Transformer(nn.Module):
    def __init__(self, width, layers):
        super().__init__()
        self.layers, self.layer_norm = nn.ModuleList([Layer(width) for _ in range(layers)]), nn.LayerNorm(width)

    def forward(self, x, context, places, mask):
        x = math.sqrt(x.shape[2]) * x + places
        context = None if context is None else math.sqrt(x.shape[2]) * context + places
        for layer in self.layers:
            x = layer(x, context, mask)
        return self.layer_norm(x)


def positions(width):
    rates = torch.exp(torch.arange(width // 2) * -(math.log(10000) / (width // 2 - 1)))
    angles = torch.arange(1.0, FRAMES + 1)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], 1)[:, None]


class Mult(nn.Module):
    config = {"architecture": "mult", "name": "mult", "modalities": [*CHANNELS], "inputs": [*CHANNELS.values()],
              "frames": FRAMES, "width": WIDTH, "heads": HEADS, "layers": LAYERS, "causal": True, "labels": []}

    def __init__(self):
        super().__init__()
        count, together = len(CHANNELS), WIDTH * len(CHANNELS) ** 2
        self.proj = nn.ModuleList([nn.Conv1d(c, WIDTH, 1, bias=False) for c in CHANNELS.values()])
        self.trans = nn.ModuleList([nn.ModuleList([Transformer(WIDTH, LAYERS) for _ in CHANNELS]) for _ in CHANNELS])
        self.trans_mems = nn.ModuleList([Transformer(count * WIDTH, LAYERS) for _ in CHANNELS])
        self.proj1, self.proj2 = nn.Linear(together, together), nn.Linear(together, together)
        self.out_layer = nn.Linear(together, 1)

    def forward(self, *inputs):
        mask = torch.full((FRAMES, FRAMES), -math.inf).triu(1)
        narrow, wide = positions(WIDTH), positions(WIDTH * len(inputs))
        x = [p(v.transpose(1, 2)).permute(2, 0, 1) for p, v in zip(self.proj, inputs)]
        last = []
        for i, row in enumerate(self.trans):
            seen = torch.cat([t(x[i], x[j], narrow, mask) for j, t in enumerate(row)], 2)
            last.append(self.trans_mems[i](seen, None, wide, mask)[-1])
        out = torch.cat(last, 1)
        return self.out_layer(self.proj2(F.relu(self.proj1(out))) + out)


class Gru(nn.Module):
    def __init__(self, inputs, hidden, outputs=0):
        super().__init__()
        self.gru = nn.GRU(inputs, hidden, batch_first=True)
        self.linear = nn.Linear(hidden, outputs) if outputs else nn.Identity()

    def forward(self, x):
        return self.linear(self.gru(x)[1][-1])


class LowRank(nn.Module):
    def __init__(self, widths, out, rank):
        super().__init__()
        self.factors = nn.ParameterList(torch.randn(rank, w + 1, out) * 0.1 for w in widths)
        self.fusion_weights, self.fusion_bias = nn.Parameter(torch.randn(1, rank)), nn.Parameter(torch.randn(1, out))

    def forward(self, encoded):
        fused = 1
        for x, factor in zip(encoded, self.factors):
            fused = fused * torch.matmul(torch.cat([x.new_ones(len(x), 1), x], 1), factor)
        return torch.matmul(self.fusion_weights, fused.permute(1, 0, 2)).squeeze(1) + self.fusion_bias


class LateFusion(nn.Module):
    def __init__(self, low_rank):
        super().__init__()
        hidden, outputs = ([512, 128, 64], [128, 32, 32]) if low_rank else ([600, 200, 70], [0, 0, 0])
        widths = [out or h for h, out in zip(hidden, outputs)]
        self.encoders = nn.ModuleList(Gru(*sizes) for sizes in zip(CHANNELS.values(), hidden, outputs))
        if low_rank:
            self.fuse = LowRank(widths, 128, 32)
        inner, features = (128, 512) if low_rank else (sum(widths), sum(widths))
        self.head = nn.Module()
        self.head.fc, self.head.fc2 = nn.Linear(inner, features), nn.Linear(features, 1)
        self.config = {"architecture": "late_fusion", "name": "lf", "modalities": [*CHANNELS],
                       "kinds": ["time_series"] * 3, "inputs": [*CHANNELS.values()], "hidden": hidden,
                       "outputs": outputs, "frames": [0] * 3, "fusion": "low_rank" if low_rank else "concat",
                       "rank": 32, "fused": 128, "features": features, "task": "regression", "labels": []}

    def forward(self, *inputs):
        encoded = [encoder(x) for encoder, x in zip(self.encoders, inputs)]
        fused = self.fuse(encoded) if hasattr(self, "fuse") else torch.cat(encoded, 1)
        return self.head.fc2(F.relu(self.head.fc(fused)))


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.attn = nn.MultiheadAttention(width, width // 64, batch_first=True)
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mlp = nn.ModuleDict(dict(c_fc=nn.Linear(width, 4 * width), c_proj=nn.Linear(4 * width, width)))

    def forward(self, x, mask):
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, attn_mask=mask, need_weights=False)[0]
        y = self.mlp.c_fc(self.ln_2(x))
        return x + self.mlp.c_proj(y * torch.sigmoid(1.702 * y))


class Bottleneck(nn.Module):
    def __init__(self, channels, narrow, stride):
        super().__init__()
        self.stride, out = stride, 4 * narrow
        self.conv1, self.bn1 = nn.Conv2d(channels, narrow, 1, bias=False), nn.BatchNorm2d(narrow)
        self.conv2, self.bn2 = nn.Conv2d(narrow, narrow, 3, padding=1, bias=False), nn.BatchNorm2d(narrow)
        self.conv3, self.bn3 = nn.Conv2d(narrow, out, 1, bias=False), nn.BatchNorm2d(out)
        self.pool = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
        self.downsample = None
        if stride > 1 or channels != out:
            self.downsample = nn.ModuleDict({"0": nn.Conv2d(channels, out, 1, bias=False), "1": nn.BatchNorm2d(out)})

    def forward(self, x):
        y = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)), inplace=True))), inplace=True)
        y = self.bn3(self.conv3(self.pool(y)))
        if self.downsample:
            x = self.downsample["1"](self.downsample["0"](self.pool(x)))
        return F.relu(x + y, inplace=True)


class Tower(nn.Module):
    def __init__(self, width=64, layers=(3, 4, 6, 3), embedding=1024):
        super().__init__()
        half = width // 2
        self.conv1, self.bn1 = nn.Conv2d(3, half, 3, 2, 1, bias=False), nn.BatchNorm2d(half)
        self.conv2, self.bn2 = nn.Conv2d(half, half, 3, 1, 1, bias=False), nn.BatchNorm2d(half)
        self.conv3, self.bn3 = nn.Conv2d(half, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        channels = width
        for stage, count in enumerate(layers):
            narrow, blocks = width * 2**stage, []
            for i in range(count):
                blocks.append(Bottleneck(channels, narrow, 2 if i == 0 and stage > 0 else 1))
                channels = 4 * narrow
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.attnpool = pool = nn.Module()
        pool.positional_embedding = nn.Parameter(torch.randn(50, channels) * 0.02)
        pool.q_proj, pool.k_proj, pool.v_proj = (nn.Linear(channels, channels) for _ in range(3))
        pool.c_proj = nn.Linear(channels, embedding)

    def forward(self, x):
        for i in "123":
            x = F.relu(getattr(self, "bn" + i)(getattr(self, "conv" + i)(x)), inplace=True)
        x = F.avg_pool2d(x, 2)
        for stage in "1234":
            x = getattr(self, "layer" + stage)(x)
        pool, x = self.attnpool, x.flatten(2).mT
        x = torch.cat([x.mean(1, keepdim=True), x], 1) + pool.positional_embedding
        split = lambda y: y.unflatten(2, (32, -1)).transpose(1, 2)
        y = F.scaled_dot_product_attention(split(pool.q_proj(x[:, :1])), split(pool.k_proj(x)), split(pool.v_proj(x)))
        return pool.c_proj(y.transpose(1, 2).flatten(2))[:, 0]


class ClipResnet(nn.Module):
    """RN50. Texts are given as embeddings of words, which end in the last place."""

    def __init__(self, words=512, embedding=1024):
        super().__init__()
        self.visual, self.transformer = Tower(embedding=embedding), nn.Module()
        self.transformer.resblocks = nn.ModuleList(Block(words) for _ in range(12))
        self.token_embedding = nn.Embedding(49408, words)
        self.positional_embedding = nn.Parameter(torch.randn(77, words) * 0.01)
        self.ln_final = nn.LayerNorm(words)
        self.text_projection = nn.Parameter(torch.randn(words, embedding) * 0.02)
        self.logit_scale = nn.Parameter(torch.tensor(2.0))

    def forward(self, pixels, words):
        count = words.shape[1]
        mask, x = torch.full((count, count), -math.inf).triu(1), words + self.positional_embedding[:count]
        for block in self.transformer.resblocks:
            x = block(x, mask)
        text = F.normalize(self.ln_final(x)[:, -1] @ self.text_projection)
        return self.logit_scale.exp() * (F.normalize(self.visual(pixels)) * text).sum(1, keepdim=True)
