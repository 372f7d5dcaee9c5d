export const TimeBar = () => null;
