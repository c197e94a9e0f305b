#pragma once
#include <cmath>

namespace multiviz::blockworld {

// Everything here uses + - * / sqrt and comparisons only, which IEEE 754 defines to the last bit: a scene comes out the
// same on every machine.
struct Vec3 {
  double x = 0, y = 0, z = 0;
};

inline Vec3 operator+(Vec3 a, Vec3 b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
inline Vec3 operator-(Vec3 a, Vec3 b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
inline Vec3 operator-(Vec3 a) { return {-a.x, -a.y, -a.z}; }
inline Vec3 operator*(Vec3 a, double s) { return {a.x * s, a.y * s, a.z * s}; }
inline Vec3 operator*(Vec3 a, Vec3 b) { return {a.x * b.x, a.y * b.y, a.z * b.z}; }
inline double dot(Vec3 a, Vec3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
inline Vec3 cross(Vec3 a, Vec3 b) { return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x}; }
inline Vec3 unit(Vec3 a) { return a * (1.0 / std::sqrt(dot(a, a))); }
inline Vec3 mix(Vec3 a, Vec3 b, double t) { return a + (b - a) * t; }

// 0 at `low` and before, 1 at `high` and beyond, a smooth cubic between. `low` may be the greater.
inline double smoothstep(double low, double high, double value) {
  double t = (value - low) / (high - low);
  if (t <= 0) return 0;
  if (t >= 1) return 1;
  return t * t * (3 - 2 * t);
}

}  // namespace multiviz::blockworld
