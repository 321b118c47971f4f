"""Networks that the tests of the exported file and of the page's JavaScript share."""

import torch
import torch.nn.functional as F
from torch import nn

from cnncourse.data import Preprocessing

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm)


def prepared_for(channels=1, height=28, width=28, classes="0123456789"):
    """Images of this shape, normalised as MNIST's."""
    return Preprocessing(tuple(classes), (0.1307,) * channels, (0.3081,) * channels, (height, width))


def prepared(model):
    """The model, which carries that its images are prepared as MNIST's."""
    model.preprocessing = prepared_for(*model.input_shape)
    return model


def randomised(model):
    """A model with random weights; batch norm's statistics and scales too, so that folding has something to do."""
    torch.manual_seed(0)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.normal_(layer.weight, std=(2 / layer.weight[0].numel()) ** 0.5)
        if isinstance(layer, NORMS) and layer.weight is not None:
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, std=0.3)
        if isinstance(layer, NORMS[:2]):
            nn.init.normal_(layer.running_mean, std=0.3)
            nn.init.uniform_(layer.running_var, 0.5, 2)
    return model


class Plain(nn.Module):
    """What a student may write: layers that run twice, functions, methods, a sum, dropout as a function."""

    input_shape = (1, 28, 28)

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 6, 5, stride=2, padding=2)
        self.again = nn.Conv2d(6, 6, 3, padding="same")
        self.norm = nn.BatchNorm2d(6)
        self.dense = nn.Linear(6 * 3 * 3, 20)
        self.dense_norm = nn.BatchNorm1d(20)
        self.last = nn.Linear(20, 10)

    def forward(self, x, mask=None, as_features=False):
        n, _, height, _ = x.shape
        x = x if mask is None else x * mask
        x = F.relu(self.first(x))
        x = F.max_pool2d(x, 2)
        x = torch.relu(self.norm(self.again(x))) + x
        x = torch.tanh(self.again(x)).add(F.leaky_relu(x, 0.3))
        x = F.avg_pool2d(F.dropout(x, 0.5, self.training), 3, stride=2, padding=1, count_include_pad=False)
        x = F.adaptive_avg_pool2d(x, (3, height // 9)).sigmoid()
        x = self.dense_norm(self.dense(x.view(n, -1))).relu()
        return x if as_features else F.log_softmax(self.last(x.reshape(x.size(0), -1)), dim=1)


LAYERS = {
    "stride": nn.Conv2d(4, 6, 3, stride=(2, 3)),
    "padding": nn.Conv2d(4, 6, (3, 5), padding=(2, 1), bias=False),
    "dilation": nn.Conv2d(4, 5, 3, dilation=(3, 2), padding=2),
    "groups": nn.Conv2d(4, 6, 2, groups=2, padding=1),
    "many for one": nn.Conv2d(4, 20, 3, groups=4, stride=2),
    "same": nn.Conv2d(4, 3, (3, 5), padding="same", dilation=2),
    "valid": nn.Conv2d(4, 3, 3, padding="valid"),
    "max": nn.MaxPool2d((3, 2), stride=(1, 2), padding=1),
    "max with dilation": nn.MaxPool2d(3, stride=2, dilation=(2, 3), padding=(1, 0)),
    "average": nn.AvgPool2d((2, 3), stride=1, padding=(1, 0)),
    "average of what is there": nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False),
    "uneven average": nn.AdaptiveAvgPool2d((2, 5)),
    "larger average": nn.AdaptiveAvgPool2d((None, 17)),
    "group norm": nn.GroupNorm(2, 4, eps=0.1),
    "group norm without weights": nn.GroupNorm(1, 4, affine=False),
    "batch norm": nn.Sequential(nn.ReLU(), nn.BatchNorm2d(4, eps=0.1)),
    "batch norm without weights": nn.Sequential(nn.ReLU(), nn.BatchNorm2d(4, affine=False)),
    "batch norm of features": nn.Sequential(nn.Flatten(), nn.BatchNorm1d(4 * 99)),
    "leaky": nn.LeakyReLU(0.3),
    "sigmoid": nn.Sigmoid(),
    "softmax": nn.Sequential(nn.Flatten(), nn.Softmax(dim=-1)),
    "log softmax": nn.Sequential(nn.Flatten(), nn.LogSoftmax(dim=1)),
}
