// Reads a network from the JSON that cnncourse.pad.export_web writes, and runs it: plain loops over plain arrays.
//
//   const network = cnncourse.readNetwork(JSON.parse(text));
//   const { probabilities, outputs } = network.run(pixels);

(function (cnncourse) {
  "use strict";

  const FORMAT = "cnncourse-network";
  const VERSION = 1;
  const MOST_VALUES = 1e7; // in one layer's output: more is a damaged file, or too much for a page

  /** What is wrong with a file or an image. Its message is for the user. */
  class NetworkError extends Error {
    name = "NetworkError";
  }

  /**
   * A network from the parsed JSON of a file.
   *
   * Returns {name, parameters, inputShape: [C, H, W], classes: [string], temperature, sure, layers, run}. Each of the
   * layers is {name, type, shape, batchNorm}, its shape without the batch; batchNorm is the name of the batch norm that
   * was folded into it, if any. parameters is null where the file doesn't tell. An answer whose probability is below sure
   * is not a sure one.
   *
   * run(pixels) takes C·H·W numbers from 0 to 255, row by row, and returns {outputs, logits, probabilities}: outputs
   * are the layers, each with data, a Float32Array; logits and probabilities are Float32Arrays of a number for each
   * class, the probabilities being the softmax of logits / temperature. The next run writes over these arrays, so copy
   * what you want to keep. It throws a NetworkError where the number of pixels is another, and where a probability is
   * not a number.
   *
   * Throws a NetworkError where json is no network, has another version, an unknown layer or damaged contents.
   */
  function readNetwork(json) {
    if (!isObject(json) || json.format !== FORMAT) {
      throw new NetworkError("This file is not a network of the course. Choose a JSON file that export_web wrote.");
    }
    if (json.version !== VERSION) {
      const found = json.version === undefined ? "no version" : `version ${quoted(json.version)}`;
      throw new NetworkError(
        `This file has ${found} of the network format, but this page knows version ${VERSION}. ` +
          "Use the page and the cnncourse package of one edition: update the older one, then export the network again.",
      );
    }
    const { name, classes, input, layers: descriptions } = json;
    const { temperature = 1, sure = 0 } = json; // files of older editions have neither
    check(isText(name), "its name is missing");
    check(isList(classes, isText), "its classes are missing");
    check(isObject(input) && isShape(input.shape) && input.shape.length === 3, "the shape of its images is wrong");
    const [channels] = input.shape;
    const { mean, std } = input;
    const right = [mean, std].every((list) => isList(list, Number.isFinite) && list.length === channels);
    check(right && !std.includes(0), "the mean or std of its images is wrong");
    check(Number.isFinite(temperature) && temperature > 0, "its temperature is not a number above 0");
    check(Number.isFinite(sure) && sure >= 0 && sure < 1, "sure, its probability of a sure answer, is not from 0 to below 1");
    check(isList(descriptions, isObject), "its layers are missing");

    const image = new Float32Array(size(input.shape));
    const places = new Map([["input", { place: -1, shape: input.shape }]]); // of each output among all outputs
    const steps = descriptions.map((description, place) => {
      const step = readLayer(description, places);
      places.set(step.name, { place, shape: step.shape });
      return step;
    });
    const last = steps.at(-1);
    check(last.shape.length === 1 && last.shape[0] === classes.length, "its last layer doesn't give a number a class");
    const probabilities = new Float32Array(classes.length);

    function run(pixels) {
      if (pixels?.length !== image.length) {
        throw new NetworkError(
          `${name} takes images of ${image.length} pixels (${input.shape.join("×")}), ` +
            `but this one has ${pixels?.length ?? 0}.`,
        );
      }
      const plane = image.length / channels;
      for (let i = 0; i < image.length; i++) {
        const channel = Math.floor(i / plane);
        image[i] = (pixels[i] / 255 - mean[channel]) / std[channel];
      }
      const data = [];
      for (const step of steps) data.push(step.run(...step.places.map((place) => (place < 0 ? image : data[place]))));
      const logits = data.at(-1);
      if (last.type !== "Softmax") softmax(logits, probabilities, temperature);
      else if (temperature === 1) probabilities.set(logits);
      else softmax(logits.map(Math.log), probabilities, temperature);
      if (!probabilities.every(Number.isFinite)) {
        throw new NetworkError("its answer is not a number. Train it again, with a smaller learning rate.");
      }
      const outputs = steps.map((step, place) => ({ ...about(step), data: data[place] }));
      return { outputs, logits, probabilities };
    }

    const parameters = Number.isInteger(json.parameters) && json.parameters > 0 ? json.parameters : null;
    return { name, parameters, inputShape: input.shape, classes, temperature, sure, layers: steps.map(about), run };
  }

  const about = ({ name, type, shape, batchNorm }) => ({ name, type, shape, batchNorm });

  /** A layer ready to run: {name, type, shape, batchNorm, places of its inputs, run(...inputs) → output}. */
  function readLayer(description, places) {
    const { name, type, inputs, shape, batch_norm: batchNorm } = description;
    check(isText(name) && !places.has(name), `two layers have the name ${JSON.stringify(name)}, or one has none`);
    if (!isText(type) || !Object.hasOwn(LAYERS, type)) {
      throw new NetworkError(
        `This page does not know the layer ${JSON.stringify(name)}, a ${quoted(type)}. ` +
          `It knows ${Object.keys(LAYERS).join(", ")}.`,
      );
    }
    const layer = new Layer(description);
    layer.check(isList(inputs, isText), "its inputs are missing");
    const unknown = inputs.find((input) => !places.has(input));
    layer.check(unknown === undefined, `its input ${JSON.stringify(unknown)} is no layer before it`);
    layer.check(inputs.length === (type === "Add" ? 2 : 1), `it has ${inputs.length} inputs`);
    layer.check(isShape(shape), "its shape is wrong");
    const run = LAYERS[type](layer, ...inputs.map((input) => places.get(input).shape));
    return { name, type, shape, batchNorm, places: inputs.map((input) => places.get(input).place), run };
  }

  /** A layer's attributes, each checked when it is asked for. */
  class Layer {
    constructor(description) {
      this.description = description;
      this.shape = description.shape;
    }

    check(condition, fault) {
      check(condition, `layer ${JSON.stringify(this.description.name)} (${this.description.type}): ${fault}`);
    }

    /** Checks what the file says of the output's shape. */
    gives(...shape) {
      const right = shape.length === this.shape.length && shape.every((number, i) => number === this.shape[i]);
      this.check(right, `its shape is ${this.shape.join("×")}, but it gives ${shape.join("×")}`);
      return new Float32Array(size(shape));
    }

    number(key, least) {
      const value = this.description[key];
      this.check(Number.isFinite(value) && value >= least, `its ${key} is missing or wrong`);
      return value;
    }

    whole(key, least) {
      this.check(Number.isInteger(this.description[key]), `its ${key} is missing or wrong`);
      return this.number(key, least);
    }

    /** Two numbers, for height and width. */
    pair(key, least) {
      const value = this.description[key];
      const right = isList(value, (number) => Number.isInteger(number) && number >= least) && value.length === 2;
      this.check(right, `its ${key} is missing or wrong`);
      return value;
    }

    /** Numbers from base64 of float32; where they may be missing and are, zeros. */
    weights(key, length, optional = false) {
      const text = this.description[key];
      if (optional && text === undefined) return new Float32Array(length);
      const bytes = isText(text) ? decode(text) : null;
      this.check(bytes !== null, `its ${key} is missing or damaged`);
      this.check(bytes.length === 4 * length, `its ${key} has ${bytes.length / 4} numbers instead of ${length}`);
      const numbers = new Float32Array(bytes.buffer); // little-endian, as every machine with a browser is
      this.check(numbers.every(Number.isFinite), `its ${key} has numbers that are infinite or NaN`);
      return numbers;
    }
  }

  // For each type, a function of the layer and the shapes of its inputs that returns run(...inputs) → output. The
  // output's array is made once, and filled by each run.
  const LAYERS = {
    Conv2d(layer, shape) {
      const { kernel, stride, padding, dilation, output: sizes } = windows(layer, shape);
      const [channels, outputs, groups] = [shape[0], layer.shape[0], layer.whole("groups", 1)];
      layer.check(channels % groups === 0 && outputs % groups === 0, "its groups don't divide its channels");
      const output = layer.gives(outputs, ...sizes);
      return convolution({
        shape,
        outputShape: layer.shape,
        kernel,
        stride,
        padding,
        dilation,
        groups,
        weight: layer.weights("weight", (outputs * channels * size(kernel)) / groups),
        bias: layer.weights("bias", outputs, true),
        output,
      });
    },

    // A convolution on an image of one pixel.
    Linear(layer, shape) {
      layer.check(shape.length === 1 && layer.shape.length === 1, "it does not get or give a list of numbers");
      const output = layer.gives(layer.shape[0]);
      return convolution({
        shape: [shape[0], 1, 1],
        outputShape: [output.length, 1, 1],
        kernel: [1, 1],
        stride: [1, 1],
        padding: [0, 0],
        dilation: [1, 1],
        groups: 1,
        weight: layer.weights("weight", output.length * shape[0]),
        bias: layer.weights("bias", output.length, true),
        output,
      });
    },

    BatchNorm1d: scaleAndShift,
    BatchNorm2d: scaleAndShift,

    // Each group of channels gets mean 0 and variance 1; then each channel its scale and shift.
    GroupNorm(layer, shape) {
      const output = layer.gives(...shape);
      const groups = layer.whole("num_groups", 1);
      const eps = layer.number("eps", 0);
      layer.check(shape[0] % groups === 0, "its num_groups doesn't divide its channels");
      const weight = layer.weights("weight", shape[0]);
      const bias = layer.weights("bias", shape[0], true);
      const length = output.length / groups;
      const plane = output.length / shape[0];
      return (input) => {
        for (let start = 0; start < input.length; start += length) {
          let sum = 0;
          for (let i = start; i < start + length; i++) sum += input[i];
          const mean = sum / length;
          let squares = 0;
          for (let i = start; i < start + length; i++) squares += (input[i] - mean) ** 2;
          const scale = 1 / Math.sqrt(squares / length + eps);
          for (let i = start; i < start + length; i++) {
            const channel = Math.floor(i / plane);
            output[i] = (input[i] - mean) * scale * weight[channel] + bias[channel];
          }
        }
        return output;
      };
    },

    ReLU: (layer, shape) => eachValue(layer, shape, (value) => Math.max(0, value)),
    LeakyReLU(layer, shape) {
      const slope = layer.number("negative_slope", -Infinity);
      return eachValue(layer, shape, (value) => (value > 0 ? value : slope * value));
    },
    Tanh: (layer, shape) => eachValue(layer, shape, Math.tanh),
    Sigmoid: (layer, shape) => eachValue(layer, shape, (value) => 1 / (1 + Math.exp(-value))),

    MaxPool2d(layer, shape) {
      const { output, rows, columns } = windows(layer, shape);
      return pooling(shape, rows, columns, layer.gives(shape[0], ...output), null);
    },
    AvgPool2d(layer, shape) {
      const { output, rows, columns, kernel } = windows(layer, shape);
      const area = layer.description.count_include_pad === false ? 0 : size(kernel);
      return pooling(shape, rows, columns, layer.gives(shape[0], ...output), area);
    },
    // Window i of n reaches from i/n to (i + 1)/n of the map, rounded outwards.
    AdaptiveAvgPool2d(layer, shape) {
      layer.check(shape.length === 3 && layer.shape.length === 3, "it does not get or give maps");
      const spans = (length, number) =>
        range(number).map((i) => {
          const first = Math.floor((i * length) / number);
          return range(Math.ceil(((i + 1) * length) / number) - first).map((j) => first + j);
        });
      const [rows, columns] = [1, 2].map((axis) => spans(shape[axis], layer.shape[axis]));
      return pooling(shape, rows, columns, layer.gives(shape[0], rows.length, columns.length), 0);
    },

    Flatten(layer, shape) {
      layer.gives(size(shape));
      return (input) => input;
    },
    Add(layer, shape, otherShape) {
      const output = layer.gives(...shape);
      layer.check(size(otherShape) === size(shape) && otherShape[0] === shape[0], "it adds maps of two shapes");
      return (input, other) => {
        for (let i = 0; i < output.length; i++) output[i] = input[i] + other[i];
        return output;
      };
    },

    Softmax(layer, shape) {
      layer.check(shape.length === 1, "it does not get a list of numbers");
      const output = layer.gives(...shape);
      return (input) => softmax(input, output);
    },
    LogSoftmax(layer, shape) {
      layer.check(shape.length === 1, "it does not get a list of numbers");
      const output = layer.gives(...shape);
      return (input) => {
        const most = input.reduce((a, b) => Math.max(a, b));
        const sum = input.reduce((total, value) => total + Math.exp(value - most), 0);
        for (let i = 0; i < input.length; i++) output[i] = input[i] - most - Math.log(sum);
        return output;
      };
    },
  };

  /** Softmax of input / temperature; the largest value is taken off first, so that no exponential overflows. */
  function softmax(input, output, temperature = 1) {
    const most = input.reduce((a, b) => Math.max(a, b));
    const share = (value) => Math.exp((value - most) / temperature);
    const sum = input.reduce((total, value) => total + share(value), 0);
    for (let i = 0; i < input.length; i++) output[i] = share(input[i]) / sum;
    return output;
  }

  function eachValue(layer, shape, change) {
    const output = layer.gives(...shape);
    return (input) => {
      for (let i = 0; i < output.length; i++) output[i] = change(input[i]);
      return output;
    };
  }

  function scaleAndShift(layer, shape) {
    const output = layer.gives(...shape);
    const weight = layer.weights("weight", shape[0]);
    const bias = layer.weights("bias", shape[0]);
    const plane = output.length / shape[0];
    return (input) => {
      for (let channel = 0, i = 0; channel < shape[0]; channel++) {
        for (const end = i + plane; i < end; i++) output[i] = input[i] * weight[channel] + bias[channel];
      }
      return output;
    };
  }

  /**
   * Where a kernel looks: its sizes as [height, width] each, the output's size, and the input's rows that each row of
   * the output sees, padding left out, and the columns.
   */
  function windows(layer, shape) {
    layer.check(shape.length === 3, "it does not get maps");
    const kernel = layer.pair("kernel_size", 1);
    const stride = layer.pair("stride", 1);
    const padding = layer.pair("padding", 0);
    const dilation = layer.description.dilation === undefined ? [1, 1] : layer.pair("dilation", 1);
    const padded = [0, 1].map((axis) => shape[axis + 1] + 2 * padding[axis]);
    layer.check(isShape([shape[0], ...padded]), "its padding is too large");
    const output = [0, 1].map((axis) => {
      const room = padded[axis] - dilation[axis] * (kernel[axis] - 1) - 1;
      return Math.floor(room / stride[axis]) + 1;
    });
    layer.check(isShape(output), "its kernel is larger than its maps");
    layer.check(
      output.every((number, axis) => number * kernel[axis] <= MOST_VALUES),
      "its kernel is too large",
    );
    const [rows, columns] = [0, 1].map((axis) =>
      range(output[axis]).map((i) =>
        range(kernel[axis])
          .map((j) => i * stride[axis] - padding[axis] + j * dilation[axis])
          .filter((place) => place >= 0 && place < shape[axis + 1]),
      ),
    );
    return { kernel, stride, padding, dilation, output, rows, columns };
  }

  /** Pooling over windows of rows and columns: the sum divided by area (0: by the window's own); null: the largest. */
  function pooling([channels, height, width], rows, columns, output, area) {
    return (input) => {
      let place = 0;
      for (let channel = 0; channel < channels; channel++) {
        for (const window of rows) {
          for (const across of columns) {
            let sum = 0;
            let most = -Infinity;
            for (let i = 0; i < window.length; i++) {
              const row = (channel * height + window[i]) * width;
              for (let j = 0; j < across.length; j++) {
                const value = input[row + across[j]];
                sum += value;
                if (value > most) most = value;
              }
            }
            output[place++] = area === null ? most : sum / (area || window.length * across.length);
          }
        }
      }
      return output;
    };
  }

  /**
   * A convolution. Each output pixel is a sum over taps: a tap is one weight, and the place of its pixel relative to
   * the window's corner. Four output channels are summed at once, as they read the same pixels.
   */
  function convolution({ shape, outputShape, kernel, stride, padding, dilation, groups, weight, bias, output }) {
    const [channels, height, width] = shape;
    const [outputs, outputHeight, outputWidth] = outputShape;
    const paddedHeight = height + 2 * padding[0];
    const paddedWidth = width + 2 * padding[1];
    const padded = padding[0] || padding[1] ? new Float32Array(channels * paddedHeight * paddedWidth) : null;

    const places = [];
    for (let channel = 0; channel < channels / groups; channel++) {
      for (let row = 0; row < kernel[0]; row++) {
        for (let column = 0; column < kernel[1]; column++) {
          places.push((channel * paddedHeight + row * dilation[0]) * paddedWidth + column * dilation[1]);
        }
      }
    }
    const offsets = Int32Array.from(places);
    const taps = offsets.length;

    // Weights of four channels side by side; where a group has no four left, zeros.
    const groupOutputs = outputs / groups;
    const fours = Math.ceil(groupOutputs / 4);
    const packed = new Float32Array(groups * fours * taps * 4);
    for (let channel = 0; channel < outputs; channel++) {
      const [group, rest] = [Math.floor(channel / groupOutputs), channel % groupOutputs];
      const start = (group * fours + Math.floor(rest / 4)) * taps * 4 + (rest % 4);
      for (let tap = 0; tap < taps; tap++) packed[start + tap * 4] = weight[channel * taps + tap];
    }

    function pad(input) {
      for (let channel = 0; channel < channels; channel++) {
        for (let row = 0; row < height; row++) {
          const from = (channel * height + row) * width;
          const to = (channel * paddedHeight + row + padding[0]) * paddedWidth + padding[1];
          padded.set(input.subarray(from, from + width), to);
        }
      }
      return padded;
    }

    return (input) => {
      const source = padded ? pad(input) : input;
      const plane = outputHeight * outputWidth;
      for (let group = 0; group < groups; group++) {
        const groupStart = group * (channels / groups) * paddedHeight * paddedWidth;
        for (let four = 0; four < fours; four++) {
          const first = group * groupOutputs + four * 4;
          const number = Math.min(4, groupOutputs - four * 4);
          const start = (group * fours + four) * taps * 4;
          for (let row = 0; row < outputHeight; row++) {
            for (let column = 0; column < outputWidth; column++) {
              const corner = groupStart + row * stride[0] * paddedWidth + column * stride[1];
              let a = 0;
              let b = 0;
              let c = 0;
              let d = 0;
              for (let tap = 0, place = start; tap < taps; tap++, place += 4) {
                const pixel = source[corner + offsets[tap]];
                a += packed[place] * pixel;
                b += packed[place + 1] * pixel;
                c += packed[place + 2] * pixel;
                d += packed[place + 3] * pixel;
              }
              const target = first * plane + row * outputWidth + column;
              output[target] = a + bias[first];
              if (number > 1) output[target + plane] = b + bias[first + 1];
              if (number > 2) output[target + 2 * plane] = c + bias[first + 2];
              if (number > 3) output[target + 3 * plane] = d + bias[first + 3];
            }
          }
        }
      }
      return output;
    };
  }

  const range = (length) => Array.from({ length }, (_, i) => i);
  const size = (shape) => shape.reduce((product, number) => product * number, 1);
  const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
  const isText = (value) => typeof value === "string" && value !== "";
  const isList = (value, test) => Array.isArray(value) && value.length > 0 && value.every(test);
  const isShape = (value) =>
    isList(value, (number) => Number.isInteger(number) && number > 0) && size(value) <= MOST_VALUES;

  /** A value as JSON, cut where it is long. */
  const quoted = (value) => String(JSON.stringify(value)).slice(0, 40);

  function check(condition, fault) {
    if (!condition) throw new NetworkError(`This file is damaged: ${fault}. Export the network again.`);
  }

  /** Bytes from base64, or null. */
  function decode(text) {
    try {
      const letters = atob(text);
      const bytes = new Uint8Array(letters.length);
      for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
      return bytes;
    } catch {
      return null;
    }
  }

  Object.assign(cnncourse, { NetworkError, readNetwork });
})((globalThis.cnncourse ??= {}));
