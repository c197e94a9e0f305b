"""Called by scripts/bench_models: python bench_models.py MODEL FOLDER THREADS BATCHES MULTIVIZ

Saves a full-size model with random weights and its inputs in FOLDER and runs it here and in MULTIVIZ in turns, so that
what else the machine does slows both. Each figure is the shortest of some."""

import json
import pathlib
import subprocess
import sys
import time

import torch
import torchvision
import transformers
from safetensors.torch import save_file

import bench_layers
from bench_mdetr import Mdetr

WORDS, LONG = 16, 128


def image(side, width=None):
    return lambda batch: torch.randn(batch, 3, side, width or side)


def words(count, width=768):
    return lambda batch: torch.randn(batch, count, width)


def regions(batch):
    return torch.rand(batch, 36, 2052)


def series(batch):
    return [torch.randn(batch, bench_layers.FRAMES, c) for c in bench_layers.CHANNELS.values()]


def run_clip(model, pixels, words):
    text = model.text_model
    x = words + text.embeddings.position_embedding.weight[:words.shape[1]]
    x = text.final_layer_norm(text.encoder(inputs_embeds=x, is_causal=True, attention_mask=None).last_hidden_state)
    texts = torch.nn.functional.normalize(model.text_projection(x[:, -1]))
    images = torch.nn.functional.normalize(model.visual_projection(model.vision_model(pixels).pooler_output))
    return model.logit_scale.exp() * (images * texts).sum(1, keepdim=True)


def run_lxmert(model, objects, words):
    return model(inputs_embeds=words, visual_feats=objects[..., :2048],
                 visual_pos=objects[..., 2048:]).question_answering_score


def plain(model, *inputs):
    return model(*inputs)


# How to make it, its inputs in our order of modalities, how to run it, and what config.json says of one that is not
# transformers'.
MODELS = {
    "vilt": (lambda: transformers.ViltForQuestionAnswering(transformers.ViltConfig(num_labels=3129)),
             [image(384), words(WORDS)], lambda m, p, w: m(inputs_embeds=w, pixel_values=p).logits, None),
    "clip": (lambda: transformers.CLIPModel(transformers.CLIPConfig()), [image(224), words(WORDS, 512)], run_clip,
             None),
    "clip_resnet": (bench_layers.ClipResnet, [image(224), words(WORDS, 512)], plain, {}),
    "lxmert": (lambda: transformers.LxmertForQuestionAnswering(transformers.LxmertConfig(num_qa_labels=3129)),
               [regions, words(WORDS)], run_lxmert, None),
    "mdetr": (Mdetr, [image(320, 480), words(WORDS)], lambda m, p, w: m(p, w)[0],
              {"model_type": "mdetr", "backbone": "resnet101", "nheads": 8}),
    "bert": (lambda: transformers.BertModel(transformers.BertConfig()), [words(LONG)],
             lambda m, w: m(inputs_embeds=w).pooler_output, None),
    "roberta": (lambda: transformers.RobertaForSequenceClassification(transformers.RobertaConfig(
        vocab_size=50265, max_position_embeddings=514, type_vocab_size=1)), [words(LONG)],
                lambda m, w: m(inputs_embeds=w).logits, None),
    "vit": (lambda: transformers.ViTForImageClassification(transformers.ViTConfig(num_labels=1000)), [image(224)],
            lambda m, p: m(p).logits, None),
    "resnet": (lambda: transformers.ResNetForImageClassification(transformers.ResNetConfig(num_labels=1000)),
               [image(224)], lambda m, p: m(p).logits, None),
    "vgg": (torchvision.models.vgg16, [image(224)], plain, {"model_type": "vgg"}),
    "mult": (bench_layers.Mult, series, plain, bench_layers.Mult.config),
    "lf": (lambda: bench_layers.LateFusion(False), series, plain, None),
    "lrtf": (lambda: bench_layers.LateFusion(True), series, plain, None),
}


def store(model, config, folder):
    if hasattr(model, "save_pretrained"):
        return model.save_pretrained(folder)
    folder.mkdir()
    save_file(model.state_dict(), folder / "model.safetensors")
    config = config or getattr(model, "config", None)
    if config:
        (folder / "config.json").write_text(json.dumps(config))


def forward(model, run, inputs):
    with torch.no_grad():
        run(model, *inputs)


def both(model, run, inputs):
    live = [x.clone().requires_grad_() for x in inputs]
    total = run(model, *live).sum(0)
    torch.autograd.grad(total[min(1, len(total) - 1)], live, allow_unused=True)


def main(kind, folder, threads, batches, multiviz):
    torch.set_num_threads(int(threads))
    torch.manual_seed(0)
    if kind not in MODELS:
        sys.exit(f"there is no model '{kind}': {', '.join(MODELS)}, load")
    make, makers, run, config = MODELS[kind]
    model = make().eval().requires_grad_(False)
    store(model, config, folder)
    here = pathlib.Path(__file__).parent
    ours = subprocess.Popen([multiviz, here / "bench_models.lua", folder, threads], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)

    def ask(batch, what):
        print(batch, what, file=ours.stdin, flush=True)
        return float(ours.stdout.readline())

    def seconds(work, inputs):
        start = time.perf_counter()
        work(model, run, inputs)
        return time.perf_counter() - start

    for batch in map(int, batches.split(",")):
        inputs = makers(batch) if callable(makers) else [one(batch) for one in makers]
        save_file({f"input{i + 1}": x for i, x in enumerate(inputs)}, folder / f"inputs{batch}.safetensors")
        line = f"{kind:<12} batch {batch:2}"
        for work in (forward, both):
            times = []
            while len(times) < 3 or (len(times) < 15 and sum(map(sum, times)) < 8):
                times.append((ask(batch, work.__name__), seconds(work, inputs)))
            mine, theirs = (min(column) for column in zip(*times))
            name = "forward" if work is forward else "forward and backward"
            line += f"   {name} {mine:.4f} s / {theirs:.4f} s = {mine / theirs:.2f}"
        print(line, flush=True)
    ours.stdin.close()
    ours.wait()


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]), *sys.argv[3:6])
