/** Distances on the globe, for people who look for what is near. Degrees in, whole metres out. */

/** A place by its coordinates in degrees. */
export interface Place {
  readonly latitude: number;
  readonly longitude: number;
}

/** Mean radius of the earth. */
const EARTH_RADIUS_METRES = 6_371_008.8;

/** Metres of a degree of latitude, anywhere. */
export const METRES_PER_DEGREE = (EARTH_RADIUS_METRES * Math.PI) / 180;

/** The great-circle distance of two places. Source: the haversine formula. */
export function distanceMetres(a: Place, b: Place): number {
  const half = (degrees: number): number => Math.sin(radians(degrees) / 2) ** 2;
  const across = Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude));
  const chord = half(b.latitude - a.latitude) + across * half(b.longitude - a.longitude);
  return Math.round(2 * EARTH_RADIUS_METRES * Math.asin(Math.min(1, Math.sqrt(chord))));
}

/** Metres of a degree of longitude at a latitude. */
export function metresPerDegreeEast(latitude: number): number {
  return METRES_PER_DEGREE * Math.cos(radians(latitude));
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}
