#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "perturb/superpixels.h"

namespace multiviz {
namespace {

struct Center {
  double y = 0, x = 0;
  std::array<double, 3> color = {};
};

// Where the first centers lie along one side: start, start + step, ...
struct Spacing {
  int64_t start, step;
  explicit Spacing(double exact)
      : start(static_cast<int64_t>(exact / 2)), step(std::max<int64_t>(1, std::llround(std::nearbyint(exact)))) {}
};

class Slic {
 public:
  Slic(const at::Tensor& lab, int64_t segments, double compactness)
      : height_(lab.size(0)),
        width_(lab.size(1)),
        color_(lab.div(compactness).contiguous()),
        labels_(static_cast<size_t>(height_ * width_), 0),
        distance_(labels_.size()) {
    place_centers(segments);
  }

  at::Tensor run() {
    constexpr int rounds = 10;
    for (int i = 0; i < rounds; ++i) {
      assign();
      recenter();
    }
    connect();
    auto out = at::empty({height_, width_}, at::kLong);
    std::copy(connected_.begin(), connected_.end(), out.mutable_data_ptr<int64_t>());
    return std::get<1>(at::_unique(out, true, true));
  }

 private:
  void place_centers(int64_t segments) {
    double wanted = static_cast<double>(segments), exact = std::sqrt(static_cast<double>(height_ * width_) / wanted);
    double down = exact, across = exact;
    if (static_cast<double>(std::min(height_, width_)) < exact) {
      down = height_ <= width_ ? static_cast<double>(height_) : static_cast<double>(height_) / wanted;
      across = height_ <= width_ ? static_cast<double>(width_) / wanted : static_cast<double>(width_);
    }
    if (height_ * width_ <= segments) down = across = 1;
    Spacing rows(down), columns(across);
    step_y_ = rows.step;
    step_x_ = columns.step;
    for (int64_t y = rows.start; y < height_; y += rows.step)
      for (int64_t x = columns.start; x < width_; x += columns.step)
        centers_.push_back({static_cast<double>(y), static_cast<double>(x), {}});
    placed_ = centers_.size();
  }

  // Gives each pixel the nearest center of those within two steps. The first round goes by place alone in effect, since
  // all centers start with the same colour.
  void assign() {
    std::fill(distance_.begin(), distance_.end(), std::numeric_limits<double>::max());
    double step = static_cast<double>(std::max(step_y_, step_x_)), place = 1 / (step * step);
    const double* color = color_.const_data_ptr<double>();
    for (size_t k = 0; k < centers_.size(); ++k) {
      const auto& center = centers_[k];
      auto first = [](double c, int64_t step) {
        return static_cast<int64_t>(std::max(c - 2 * static_cast<double>(step), 0.0));
      };
      auto last = [](double c, int64_t step, int64_t size) {
        return static_cast<int64_t>(std::min(c + 2 * static_cast<double>(step) + 1, static_cast<double>(size)));
      };
      int64_t x0 = first(center.x, step_x_), x1 = last(center.x, step_x_, width_);
      for (int64_t y = first(center.y, step_y_), y1 = last(center.y, step_y_, height_); y < y1; ++y) {
        double dy = center.y - static_cast<double>(y);
        for (int64_t x = x0; x < x1; ++x) {
          auto pixel = static_cast<size_t>(y * width_ + x);
          double dx = center.x - static_cast<double>(x), d = (dy * dy + dx * dx) * place;
          for (size_t c = 0; c < 3; ++c) {
            double t = color[pixel * 3 + c] - center.color[c];
            d += t * t;
          }
          if (d < distance_[pixel]) {
            distance_[pixel] = d;
            labels_[pixel] = static_cast<int64_t>(k);
          }
        }
      }
    }
  }

  void recenter() {
    std::vector<double> counts(centers_.size(), 0);
    std::fill(centers_.begin(), centers_.end(), Center{});
    const double* color = color_.const_data_ptr<double>();
    for (size_t pixel = 0; pixel < labels_.size(); ++pixel) {
      auto k = static_cast<size_t>(labels_[pixel]);
      auto& center = centers_[k];
      counts[k] += 1;
      center.y += static_cast<double>(static_cast<int64_t>(pixel) / width_);
      center.x += static_cast<double>(static_cast<int64_t>(pixel) % width_);
      for (size_t c = 0; c < 3; ++c) center.color[c] += color[pixel * 3 + c];
    }
    std::vector<Center> kept;  // a center that no pixel chose disappears
    for (size_t k = 0; k < centers_.size(); ++k) {
      if (counts[k] == 0) continue;
      kept.push_back({centers_[k].y / counts[k], centers_[k].x / counts[k], {}});
      for (size_t c = 0; c < 3; ++c) kept.back().color[c] = centers_[k].color[c] / counts[k];
    }
    centers_ = std::move(kept);
  }

  // Splits segments into connected parts, cuts parts off at three times the usual size and merges those smaller than
  // half of it into a neighbour. connected_ is 0 where no part has been made yet.
  void connect() {
    double usual = static_cast<double>(height_ * width_) / static_cast<double>(placed_);
    auto smallest = static_cast<size_t>(0.5 * usual), largest = std::max<size_t>(1, static_cast<size_t>(3 * usual));
    connected_.assign(labels_.size(), 0);
    int64_t next = 1;
    for (int64_t pixel = 0; pixel < height_ * width_; ++pixel) {
      if (connected_[static_cast<size_t>(pixel)] > 0) continue;
      auto [part, neighbour] = grow(pixel, next, largest);
      if (part.size() < smallest)
        for (int64_t p : part) connected_[static_cast<size_t>(p)] = neighbour;
      else
        ++next;
    }
  }

  // The part of a segment that hangs together with `pixel`, breadth first, and a part that it touches.
  std::pair<std::vector<int64_t>, int64_t> grow(int64_t pixel, int64_t name, size_t largest) {
    static constexpr std::array<std::pair<int64_t, int64_t>, 4> steps = {{{0, 1}, {0, -1}, {1, 0}, {-1, 0}}};
    std::vector<int64_t> part = {pixel};
    int64_t label = labels_[static_cast<size_t>(pixel)], neighbour = 0;
    connected_[static_cast<size_t>(pixel)] = name;
    for (size_t visited = 0; visited < part.size() && part.size() < largest; ++visited) {
      for (auto [dy, dx] : steps) {
        int64_t y = part[visited] / width_ + dy, x = part[visited] % width_ + dx;
        if (y < 0 || y >= height_ || x < 0 || x >= width_) continue;
        auto p = static_cast<size_t>(y * width_ + x);
        if (labels_[p] == label && connected_[p] == 0) {
          connected_[p] = name;
          part.push_back(y * width_ + x);
          if (part.size() >= largest) break;
        } else if (connected_[p] > 0 && connected_[p] != name) {
          neighbour = connected_[p];
        }
      }
    }
    return {std::move(part), neighbour};
  }

  int64_t height_, width_, step_y_ = 1, step_x_ = 1;
  at::Tensor color_;  // L*a*b* over compactness, float64 [H, W, 3]
  std::vector<Center> centers_;
  size_t placed_ = 0;  // centers at the start
  std::vector<int64_t> labels_;
  std::vector<double> distance_;
  std::vector<int64_t> connected_;
};

}  // namespace

at::Tensor slic(const at::Tensor& pixels, int64_t segments, double compactness) {
  check(segments > 0, "segments must be at least 1, got {}", segments);
  check(compactness > 0, "compactness must be positive, got {}", compactness);
  // scikit-image stretches an image to its full range before it measures colours.
  auto lab = rgb_to_lab(pixels, pixels.min().item<double>(), pixels.max().item<double>());
  return Slic(lab, segments, compactness).run();
}

}  // namespace multiviz
