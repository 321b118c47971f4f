import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { bytes, cnncourse, expected, messageOf, skip } from "./page.mjs";

const base64 = (numbers) => Buffer.from(Float32Array.from(numbers).buffer).toString("base64");
const some = (length) => Array.from({ length }, (_, i) => Math.sin(i));

/** A small network: a convolution with batch norm in it, a pool, a group norm and a dense layer. */
function small() {
  return {
    format: "cnncourse-network",
    version: 1,
    name: "Small",
    parameters: 218,
    input: { shape: [1, 8, 8], mean: [0.1307], std: [0.3081] },
    classes: [..."0123456789"],
    layers: [
      {
        name: "0", type: "Conv2d", inputs: ["input"], shape: [2, 6, 6], batch_norm: "1", groups: 1,
        kernel_size: [3, 3], stride: [1, 1], padding: [0, 0], dilation: [1, 1],
        weight: base64(some(18)), bias: base64(some(2)),
      },
      {
        name: "2", type: "MaxPool2d", inputs: ["0"], shape: [2, 3, 3],
        kernel_size: [2, 2], stride: [2, 2], padding: [0, 0], dilation: [1, 1],
      },
      { name: "3", type: "GroupNorm", inputs: ["2"], shape: [2, 3, 3], num_groups: 1, eps: 1e-5, weight: base64([1, 2]) },
      { name: "4", type: "Flatten", inputs: ["3"], shape: [18] },
      { name: "5", type: "Linear", inputs: ["4"], shape: [10], weight: base64(some(180)), bias: base64(some(10)) },
    ],
  };
}

/** The small network with one value changed; undefined takes it away. */
function changed(path, value) {
  const network = small();
  const place = path.slice(0, -1).reduce((part, key) => part[key], network);
  if (value === undefined) delete place[path.at(-1)];
  else place[path.at(-1)] = value;
  return network;
}

const NO_NETWORK = "This file is not a network of the course. Choose a JSON file that export_web wrote.";
const VERSIONS = "of the network format, but this page knows version 1.";
const infinite = base64(Array.from({ length: 10 }, () => Infinity));
const BAD = {
  "null": [null, NO_NETWORK],
  "a list": [[1], NO_NETWORK],
  "another file": [{ nbformat: 4 }, NO_NETWORK],
  "newer": [changed(["version"], 2), `This file has version 2 ${VERSIONS}`],
  "no version": [changed(["version"]), `This file has no version ${VERSIONS}`],
  "long version": [changed(["version"], "1".repeat(99)), `This file has version "${"1".repeat(39)} ${VERSIONS}`],
  "no name": [changed(["name"]), "its name is missing"],
  "no classes": [changed(["classes"], null), "its classes are missing"],
  "a class without a name": [changed(["classes", 3], ""), "its classes are missing"],
  "no input": [changed(["input"], 7), "the shape of its images is wrong"],
  "flat input": [changed(["input", "shape"], [64]), "the shape of its images is wrong"],
  "huge input": [changed(["input", "shape"], [1, 1e6, 1e6]), "the shape of its images is wrong"],
  "mean": [changed(["input", "mean"], ["0.1"]), "the mean or std of its images is wrong"],
  "std": [changed(["input", "std"], [0]), "the mean or std of its images is wrong"],
  "temperature 0": [changed(["temperature"], 0), "its temperature is not a number above 0"],
  "temperature as text": [changed(["temperature"], "2"), "its temperature is not a number above 0"],
  "infinite temperature": [changed(["temperature"], Infinity), "its temperature is not a number above 0"],
  "no temperature": [changed(["temperature"], null), "its temperature is not a number above 0"],
  "sure in per cent": [changed(["sure"], 90), "sure, its probability of a sure answer, is not from 0 to below 1"],
  "sure below 0": [changed(["sure"], -0.1), "sure, its probability of a sure answer, is not from 0 to below 1"],
  "sure as text": [changed(["sure"], "0.9"), "sure, its probability of a sure answer, is not from 0 to below 1"],
  "no layers": [changed(["layers"], []), "its layers are missing"],
  "empty layer": [changed(["layers", 0], null), "its layers are missing"],
  "unnamed layer": [changed(["layers", 1, "name"]), "or one has none"],
  "two of one name": [changed(["layers", 1, "name"], "0"), 'two layers have the name "0"'],
  "unknown layer": [changed(["layers", 1, "type"], "GELU"), 'does not know the layer "2", a "GELU". It knows Conv2d'],
  "word of JavaScript": [changed(["layers", 1, "type"], "constructor"), 'a "constructor"'],
  "list of types": [changed(["layers", 1, "type"], ["MaxPool2d"]), 'the layer "2", a ["MaxPool2d"]'],
  "no inputs": [changed(["layers", 1, "inputs"]), 'layer "2" (MaxPool2d): its inputs are missing'],
  "unknown input": [changed(["layers", 1, "inputs"], ["4"]), 'its input "4" is no layer before it'],
  "two inputs": [changed(["layers", 1, "inputs"], ["0", "0"]), 'layer "2" (MaxPool2d): it has 2 inputs'],
  "shape": [changed(["layers", 1, "shape"], [2, 4, 3]), "its shape is 2×4×3, but it gives 2×3×3"],
  "no shape": [changed(["layers", 1, "shape"], [0, "3"]), "its shape is wrong"],
  "kernel": [changed(["layers", 1, "kernel_size"], 2), "its kernel_size is missing or wrong"],
  "large kernel": [changed(["layers", 1, "kernel_size"], [9, 9]), "its kernel is larger than its maps"],
  "huge padding": [changed(["layers", 0, "padding"], [1e6, 1e6]), "its padding is too large"],
  "stride": [changed(["layers", 0, "stride"], [0, 1]), 'layer "0" (Conv2d): its stride is missing or wrong'],
  "groups": [changed(["layers", 0, "groups"], 3), "its groups don't divide its channels"],
  "norm's groups": [changed(["layers", 2, "num_groups"], 1.5), "its num_groups is missing or wrong"],
  "no weight": [changed(["layers", 0, "weight"]), "its weight is missing or damaged"],
  "weight of no base64": [changed(["layers", 0, "weight"], "%"), "its weight is missing or damaged"],
  "short weight": [changed(["layers", 4, "weight"], infinite), "its weight has 10 numbers instead of 180"],
  "cut weight": [changed(["layers", 4, "bias"], infinite.slice(0, 8)), "its bias has 1.5 numbers instead of 10"],
  "infinite weight": [changed(["layers", 4, "bias"], infinite), "its bias has numbers that are infinite or NaN"],
  "last layer": [changed(["classes"], ["a", "b"]), "its last layer doesn't give a number a class"],
};

suite("a file that the page cannot read is explained", () => {
  for (const [name, [json, message]] of Object.entries(BAD)) {
    test(name, () => {
      assert.throws(() => cnncourse.readNetwork(json), (error) => {
        assert(error instanceof cnncourse.NetworkError);
        assert.match(error.message, /^This .*\.$/s);
        assert(error.message.includes(message), error.message);
        return true;
      });
    });
  }
});

test("the network that was spoilt is good", () => {
  const { run, layers, ...about } = cnncourse.readNetwork(small());
  assert.equal(typeof run, "function");
  assert.deepEqual(layers.slice(0, 2), [
    { name: "0", type: "Conv2d", shape: [2, 6, 6], batchNorm: "1" },
    { name: "2", type: "MaxPool2d", shape: [2, 3, 3], batchNorm: undefined },
  ]);
  const classes = [..."0123456789"];
  const old = { temperature: 1, sure: 0 }; // of a file that has neither
  assert.deepEqual(about, { name: "Small", parameters: 218, inputShape: [1, 8, 8], classes, ...old });
});

suite("a temperature divides the logits at the softmax, and nowhere else", () => {
  const pixels = Array.from({ length: 64 }, (_, i) => 4 * i);
  const copied = ({ logits, probabilities }) => ({ logits: [...logits], probabilities: [...probabilities] });
  const answerOf = (network) => copied(cnncourse.readNetwork(network).run(pixels));
  const { logits, probabilities } = answerOf(small());
  const heated = (values, temperature) => {
    const powers = values.map((value) => Math.exp(value / temperature));
    return powers.map((power) => power / powers.reduce((a, b) => a + b));
  };
  const last = (type) => ({ name: "6", type, inputs: ["5"], shape: [10] });

  for (const temperature of [0.5, 1, 2, 50]) {
    for (const end of ["logits", "Softmax", "LogSoftmax"]) {
      test(`${temperature}, ${end}`, () => {
        const network = { ...small(), temperature, sure: 0.9 };
        if (end !== "logits") network.layers.push(last(end));
        const found = answerOf(network);
        close(found.probabilities, heated(logits, temperature), 1e-6, "probability");
        if (end === "logits") assert.deepEqual(found.logits, logits);
        if (end === "Softmax") close(found.logits, probabilities, 1e-6, "the network's own output");
        assert.equal(cnncourse.readNetwork(network).sure, 0.9);
      });
    }
  }

  test("the coldest and the hottest", () => {
    const largest = logits.indexOf(Math.max(...logits));
    const certain = logits.map((_, i) => (i === largest ? 1 : 0));
    for (const layers of [small().layers, [...small().layers, last("Softmax")]]) {
      assert.deepEqual(answerOf({ ...small(), layers, temperature: Number.MIN_VALUE }).probabilities, certain);
      close(answerOf({ ...small(), layers, temperature: Number.MAX_VALUE }).probabilities, Array(10).fill(0.1), 1e-6);
    }
  });
});

test("an impossible number of parameters is not told", () => {
  assert.equal(cnncourse.readNetwork(changed(["parameters"], -5)).parameters, null);
});

test("an image of another size is refused", () => {
  const network = cnncourse.readNetwork(small());
  for (const [pixels, number] of [[new Uint8Array(784), 784], [[], 0], [null, 0]]) {
    const message = `Small takes images of 64 pixels (1×8×8), but this one has ${number}.`;
    assert.equal(messageOf(() => network.run(pixels)), message);
  }
});

test("an answer that overflows is explained", () => {
  const network = cnncourse.readNetwork(changed(["layers", 0, "weight"], base64(Array.from({ length: 18 }, () => 3e38))));
  const run = () => network.run(Array.from({ length: 64 }, (_, i) => 4 * i));
  assert.equal(messageOf(run), "its answer is not a number. Train it again, with a smaller learning rate.");
});

function close(found, wanted, tolerance, what) {
  assert.equal(found.length, wanted.length, what);
  for (const [i, value] of found.entries()) {
    const room = tolerance * Math.max(1, Math.abs(wanted[i]));
    assert(Math.abs(value - wanted[i]) <= room, `${what}: ${value} instead of ${wanted[i]} at ${i}`);
  }
}

suite("the page computes what torch computes", { skip }, () => {
  for (const [name, { network, images, logits, probabilities, maps }] of Object.entries(expected?.networks ?? {})) {
    test(name, () => {
      const { run, inputShape } = cnncourse.readNetwork(network);
      const length = inputShape.reduce((a, b) => a * b);
      const pixels = bytes(images);
      logits.forEach((wanted, i) => {
        const found = run(pixels.subarray(i * length, (i + 1) * length));
        close([...found.logits], wanted, 1e-4, "logit");
        close([...found.probabilities], probabilities[i], 1e-5, "probability");
        if (maps) close([...found.outputs.at(-2).data], maps[i], 1e-5, "the layer's output");
      });
    });
  }
});
