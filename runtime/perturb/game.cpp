#include "perturb/game.h"
