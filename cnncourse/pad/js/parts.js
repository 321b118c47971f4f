// What the parts of the drawing pad share: HTML elements, numbers in words, images on a canvas.
(function (cnncourse) {
  "use strict";

  const CONTROLS = new Set(["input", "select", "button"]);

  /** An HTML element. A property that begins with "on" is a listener, null and false are left out. */
  function make(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    if (CONTROLS.has(tag)) element.dataset.lmSuppressShortcuts = "true"; // or JupyterLab takes its arrow keys
    for (const [name, value] of Object.entries(properties)) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children);
    return element;
  }

  /** A probability as text: "98 %", and "> 99 %" where rounding would claim certainty. */
  function percent(probability, digits = 0) {
    const value = 100 * probability;
    const unit = 10 ** -digits;
    if (value < unit / 2) return `< ${unit} %`;
    if (value > 100 - unit / 2) return `> ${(100 - unit).toFixed(digits)} %`;
    return `${value.toFixed(digits)} %`;
  }

  const times = (shape) => shape.join(" × ");
  const largest = (values) => values.indexOf(Math.max(...values));
  const copied = (strokes) => strokes.map(({ radius, points }) => ({ radius, points: points.map(([x, y]) => [x, y]) }));
  const nextTurn = () => new Promise((resolve) => setTimeout(resolve, 0));

  /** Resize a canvas, which also clears it, only where that is needed. */
  function setSize(canvas, width, height) {
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
  }

  /** Draw strokes in white, so that the pad's square fills the canvas. */
  function drawStrokes(canvas, strokes) {
    const context = canvas.getContext("2d");
    const scale = canvas.width / cnncourse.PAD_SIZE;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.scale(scale, scale);
    context.strokeStyle = "#fff";
    context.lineCap = context.lineJoin = "round";
    for (const { radius, points } of strokes) {
      context.lineWidth = 2 * radius;
      context.beginPath();
      context.moveTo(...points[0]);
      for (const point of points.length > 1 ? points.slice(1) : points) context.lineTo(...point);
      context.stroke();
    }
    return context;
  }

  /** Draw an image of Uint8, grey or in colour, a pixel each; shape is [channels, height, width]. */
  function drawImage(canvas, image, [channels, height, width]) {
    setSize(canvas, width, height);
    const context = canvas.getContext("2d");
    const picture = context.createImageData(width, height);
    const plane = height * width;
    for (let i = 0; i < plane; i++) {
      const colours = [0, 1, 2].map((channel) => image[channels === 3 ? channel * plane + i : i]);
      picture.data.set([...colours, 255], 4 * i);
    }
    context.putImageData(picture, 0, 0);
  }

  // What a network reads: strokes where its images are grey squares, and pictures from files always.
  const readsStrokes = ({ inputShape: [channels, height, width] }) => channels === 1 && height === width;
  const readsDigits = (network) => readsStrokes(network) && network.classes.every((name) => /^\d\b/.test(name));

  /** What to do first. */
  function invitation(network) {
    if (!network) return "There is no network yet: choose one.";
    if (!readsStrokes(network)) return "Open a picture, and the network says what it sees.";
    return readsDigits(network) ? "Draw something: a digit from 0 to 9." : "Draw something.";
  }

  cnncourse.parts = {
    make,
    percent,
    times,
    largest,
    copied,
    nextTurn,
    setSize,
    drawStrokes,
    drawImage,
    readsStrokes,
    readsDigits,
    invitation,
  };
})((globalThis.cnncourse ??= {}));
