/** Draw numbers from 0 to 100 as a line that ends at the right edge. */
export function draw(svg, numbers) {
  const left = 100 - numbers.length;
  const points = numbers.map((number, at) => `${left + at},${100 - number}`);
  svg.querySelector('polyline').setAttribute('points', points.join(' '));
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  svg.setAttribute(
    'aria-label',
    `The last ${numbers.length} numbers, from ${least} to ${most}`,
  );
}
