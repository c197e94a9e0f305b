"""MDETR (ResNet-101, roberta-base, CLEVR's heads) for scripts/bench_models.py, of PyTorch's, torchvision's and
transformers' layers, with the names that its authors' checkpoints have."""

import torch
import torchvision
import transformers
from torch import nn
from torchvision.ops import FrozenBatchNorm2d

WIDTH, HEADS, SLOTS, ANSWERS = 256, 8, 100, 4


def mlp(out):
    module = nn.Module()
    module.layers = nn.ModuleList([nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, out)])
    module.forward = lambda x: module.layers[2](module.layers[1](module.layers[0](x).relu()).relu())
    return module


class EncoderLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.self_attn = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.linear1, self.linear2 = nn.Linear(WIDTH, 2048), nn.Linear(2048, WIDTH)
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)

    def forward(self, x, places):
        x = self.norm1(x + self.self_attn(x + places, x + places, x, need_weights=False)[0])
        return self.norm2(x + self.linear2(self.linear1(x).relu()))


class DecoderLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.self_attn = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.cross_attn_image = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.linear1, self.linear2 = nn.Linear(WIDTH, 2048), nn.Linear(2048, WIDTH)
        self.norm1, self.norm3, self.norm4 = (nn.LayerNorm(WIDTH) for _ in range(3))

    def forward(self, x, queries, memory, places):
        x = self.norm1(x + self.self_attn(x + queries, x + queries, x, need_weights=False)[0])
        x = self.norm3(x + self.cross_attn_image(x + queries, memory + places, memory, need_weights=False)[0])
        return self.norm4(x + self.linear2(self.linear1(x).relu()))


def waves(count):
    order = 10000 ** (2 * (torch.arange(WIDTH // 2) // 2) / (WIDTH // 2))
    angles = torch.arange(1, count + 1)[:, None] / count * 2 * torch.pi / order
    return torch.stack([angles[:, 0::2].sin(), angles[:, 1::2].cos()], 2).flatten(1)


class Mdetr(nn.Module):
    def __init__(self):
        super().__init__()
        trunk = torchvision.models.resnet101(norm_layer=FrozenBatchNorm2d)
        del trunk.fc, trunk.avgpool
        self.backbone = nn.ModuleList([nn.Module()])
        self.backbone[0].body = trunk
        self.input_proj = nn.Conv2d(2048, WIDTH, 1)
        self.transformer = transformer = nn.Module()
        config = transformers.RobertaConfig(vocab_size=50265, max_position_embeddings=514, type_vocab_size=1)
        transformer.text_encoder = transformers.RobertaModel(config)
        transformer.resizer = nn.Module()
        transformer.resizer.fc, transformer.resizer.layer_norm = nn.Linear(768, WIDTH), nn.LayerNorm(WIDTH, eps=1e-12)
        transformer.encoder, transformer.decoder = nn.Module(), nn.Module()
        transformer.encoder.layers = nn.ModuleList(EncoderLayer() for _ in range(6))
        transformer.decoder.layers = nn.ModuleList(DecoderLayer() for _ in range(6))
        transformer.decoder.norm = nn.LayerNorm(WIDTH)
        self.query_embed, self.qa_embed = nn.Embedding(SLOTS, WIDTH), nn.Embedding(ANSWERS, WIDTH)
        self.class_embed, self.bbox_embed = nn.Linear(WIDTH, 256), mlp(4)
        self.answer_type_head, self.answer_binary_head = nn.Linear(WIDTH, 3), nn.Linear(WIDTH, 1)
        self.answer_attr_head, self.answer_reg_head = nn.Linear(WIDTH, 15), mlp(20)

    def forward(self, pixel_values, inputs_embeds):
        trunk = self.backbone[0].body
        x = trunk.maxpool(trunk.relu(trunk.bn1(trunk.conv1(pixel_values))))
        x = self.input_proj(trunk.layer4(trunk.layer3(trunk.layer2(trunk.layer1(x)))))
        batch, _, rows, columns = x.shape
        places = torch.cat([waves(rows)[:, None].expand(-1, columns, -1), waves(columns).expand(rows, -1, -1)], 2)
        words = self.transformer.text_encoder(inputs_embeds=inputs_embeds).last_hidden_state
        words = self.transformer.resizer.layer_norm(self.transformer.resizer.fc(words))
        x = torch.cat([x.flatten(2).transpose(1, 2), words], 1)
        places = nn.functional.pad(places.flatten(0, 1), (0, 0, 0, words.shape[1]))
        for layer in self.transformer.encoder.layers:
            x = layer(x, places)
        queries = torch.cat([self.query_embed.weight, self.qa_embed.weight])
        slots, states = torch.zeros(batch, *queries.shape), []
        for layer in self.transformer.decoder.layers:
            slots = layer(slots, queries, x, places)
            states.append(self.transformer.decoder.norm(slots))
        answers, found = states[0][:, -ANSWERS:], torch.stack(states)[:, :, :-ANSWERS]
        types = self.answer_type_head(answers[:, 0]).log_softmax(1)
        binary = self.answer_binary_head(answers[:, 1])
        parts = [nn.functional.logsigmoid(torch.cat([binary, -binary], 1)) + types[:, :1],
                 self.answer_attr_head(answers[:, 3]).log_softmax(1) + types[:, 1:2],
                 self.answer_reg_head(answers[:, 2]).log_softmax(1) + types[:, 2:]]
        # As the authors' forward does, boxes of every layer, whether they are asked for or not.
        return torch.cat(parts, 1), self.class_embed(found), self.bbox_embed(found).sigmoid()
