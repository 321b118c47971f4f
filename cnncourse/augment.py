"""Changes to a batch of images, nearly all of them random, each image with its own draw.

Every function takes float images N×C×H×W with values in [0, 1] and returns a new batch of the same shape. The random
numbers come from torch's generator on the images' device, so `torch.manual_seed` repeats them.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def random_flip(images: Tensor, probability: float = 0.5) -> Tensor:
    """Mirror each image left to right with the given probability."""
    if not 0 <= probability <= 1:
        raise ValueError(f"the probability of a flip must be between 0 and 1, not {probability}")
    mirrored = torch.rand(len(images), device=images.device) < probability
    return torch.where(mirrored[:, None, None, None], images.flip(-1), images)


def random_crop(images: Tensor, padding: int) -> Tensor:
    """Add `padding` black pixels on every side, then cut each image out again at its own random place."""
    if padding < 0:
        raise ValueError(f"the padding of a random crop must be 0 pixels or more, not {padding}")
    number, _, height, width = images.shape
    padded = F.pad(images, [padding] * 4)
    top = torch.randint(2 * padding + 1, (number, 1), device=images.device)
    left = torch.randint(2 * padding + 1, (number, 1), device=images.device)
    rows = top + torch.arange(height, device=images.device)  # N×H
    columns = left + torch.arange(width, device=images.device)  # N×W
    image = torch.arange(number, device=images.device)
    cropped = padded.movedim(1, -1)[image[:, None, None], rows[:, :, None], columns[:, None, :]]  # N×H×W×C
    return cropped.movedim(-1, 1).contiguous()


def random_shift(images: Tensor, pixels: int) -> Tensor:
    """Move each image by `pixels` to the left, right, up or down, at random; what comes in at the edge is black."""
    if pixels < 0:
        raise ValueError(f"the shift must be 0 pixels or more, not {pixels}")
    directions = images.new_tensor([[-1, 0], [1, 0], [0, -1], [0, 1]])
    shift = pixels * directions[torch.randint(4, (len(images),), device=images.device)]  # N×2: right and down
    still = images.new_zeros(len(images))
    return affine(images, angle=still, translate=shift, scale=still + 1, shear=still)


def random_turn(images: Tensor, degrees: float) -> Tensor:
    """Turn each image by `degrees`, clockwise or counter-clockwise at random; what comes in at a corner is black."""
    still = images.new_zeros(len(images))
    clockwise = 2 * torch.randint(2, (len(images),), device=images.device) - 1
    return affine(
        images, angle=degrees * clockwise, translate=still[:, None].expand(-1, 2), scale=still + 1, shear=still
    )


def thicken(images: Tensor, pixels: int) -> Tensor:
    """Make bright strokes on black wider by `pixels` on each side, or thinner where `pixels` is below 0.

    Each pixel becomes the brightest, or the darkest, of the square around it: dilation and erosion of grey images.
    """
    if pixels < 0:
        return -thicken(-images, -pixels)
    return F.max_pool2d(images, 2 * pixels + 1, stride=1, padding=pixels)


def random_noise(images: Tensor, strength: float | tuple[float, float]) -> Tensor:
    """Add Gaussian noise to every pixel and clip the result to [0, 1].

    Args:
        images: float N×C×H×W in [0, 1].
        strength: the standard deviation of the noise, or the smallest and the largest, between which each image draws.
    """
    low, high = strength if isinstance(strength, tuple) else (strength, strength)
    if not 0 <= low <= high:
        raise ValueError(f"the strength of the noise must be 0 or more, or two such numbers in order, not {strength}")
    strengths = low + (high - low) * torch.rand(len(images), 1, 1, 1, device=images.device)
    return (images + strengths * torch.randn_like(images)).clamp_(0, 1)


def random_affine(
    images: Tensor,
    *,
    degrees: float = 0,
    translate: float = 0,
    scale: tuple[float, float] = (1, 1),
    shear: float = 0,
) -> Tensor:
    """Rotate, shift, scale and shear each image by its own random amounts.

    Args:
        images: float N×C×H×W in [0, 1].
        degrees: rotate by an angle between -degrees and degrees.
        translate: shift by up to this fraction of the image's width and height.
        scale: the smallest and the largest factor of size.
        shear: shear along x by an angle between -shear and shear, in degrees.
    """
    if scale[0] <= 0 or scale[0] > scale[1]:
        raise ValueError(f"the scale must be a smallest and a largest factor above 0, not {scale}")

    def draw(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(len(images), device=images.device)

    height, width = images.shape[-2:]
    return affine(
        images,
        angle=draw(-degrees, degrees),
        translate=torch.stack(
            [draw(-translate * width, translate * width), draw(-translate * height, translate * height)],
            dim=1,
        ),
        scale=draw(*scale),
        shear=draw(-shear, shear),
    )


def affine(images: Tensor, *, angle: Tensor, translate: Tensor, scale: Tensor, shear: Tensor) -> Tensor:
    """Apply one affine map to each image, with bilinear interpolation and black outside the image.

    For each image it equals torchvision's `affine` with `InterpolationMode.BILINEAR`.

    Args:
        images: float N×C×H×W.
        angle: N angles in degrees, clockwise.
        translate: N×2 shifts in pixels, to the right and down.
        scale: N factors of size.
        shear: N angles in degrees, along x.
    """
    angle, shear = angle.deg2rad(), shear.deg2rad()
    zero, one = torch.zeros_like(angle), torch.ones_like(angle)
    rotation = _matrix([[angle.cos(), -angle.sin()], [angle.sin(), angle.cos()]])
    shearing = _matrix([[one, -shear.tan()], [zero, one]])
    forward = scale[:, None, None] * rotation @ shearing  # N×2×2: where a pixel goes, from the centre

    backward = torch.linalg.inv(forward)  # where the value of a pixel comes from
    offset = -backward @ translate[:, :, None].to(backward)  # N×2×1, in pixels
    height, width = images.shape[-2:]
    half = images.new_tensor([width / 2, height / 2])  # grid_sample counts from -1 to 1
    backward, offset = (backward * half / half[:, None]).to(images), (offset[:, :, 0] / half).to(images)

    x = (torch.arange(width, device=images.device) + 0.5) / half[0] - 1  # the middle of each column
    y = (torch.arange(height, device=images.device) + 0.5) / half[1] - 1  # the middle of each row
    across = backward[:, None, None, :, 0] * x[:, None] + offset[:, None, None]  # N×1×W×2
    down = backward[:, None, None, :, 1] * y[:, None, None]  # N×H×1×2
    grid = across + down  # N×H×W×2; the same as F.affine_grid, in one pass over the memory
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _matrix(rows: list[list[Tensor]]) -> Tensor:
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)
